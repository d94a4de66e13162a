#include "torchscript/emitter.h"

#include <algorithm>

#include "base/text.h"
#include "torchscript/operator_match.h"
#include "torchscript/original_places.h"

namespace calque::torchscript {

namespace {

/// What a node with its values costs in memory, about.
constexpr int64_t kNodeBytes = 700;

}  // namespace

const IValue* constant_of(const Value* value) {
  return value->node != nullptr && value->node->is("prim::Constant") ? &value->node->value : nullptr;
}

const TypePtr& unwrap_optional(const TypePtr& type) {
  return type->kind() == TypeKind::Optional ? type->contained()[0] : type;
}

bool tuple_fits_list(const Type& tuple, const Type& list) {
  if (tuple.kind() != TypeKind::Tuple || list.kind() != TypeKind::List) return false;
  return std::all_of(tuple.contained().begin(), tuple.contained().end(), [&](const TypePtr& element) {
    const Type& wanted = *list.contained()[0];
    return wanted.kind() == TypeKind::Var || is_subtype(*element, wanted);
  });
}

void Emitter::fail(Position where, std::string_view message) const {
  fail_at(source_, fixed_place_.value_or(where), cat("in ", function_name_, ": ", message));
}

SourceRange Emitter::range(Position where) const {
  where = fixed_place_.value_or(where);
  if (source_.original != nullptr) {
    if (const auto place = source_.original->find(where.line, where.column)) {
      const int column = place->cut.has_value() ? static_cast<int>(where.column) + *place->cut : 1;
      return {.file = place->file, .line = place->line, .column = column};
    }
  }
  return {
      .file = source_.name, .line = static_cast<int>(where.line), .column = static_cast<int>(where.column)};
}

Node* Emitter::node(Position where, std::string kind, const std::vector<Value*>& inputs) {
  program_.charge(kNodeBytes + static_cast<int64_t>(inputs.size()) * 64);
  Node* made = graph_.create(std::move(kind), inputs);
  made->range = range(where);
  block_->append(made);
  return made;
}

Value* Emitter::value(Position where, std::string kind, const std::vector<Value*>& inputs, TypePtr type) {
  return node(where, std::move(kind), inputs)->add_output(std::move(type));
}

bool Emitter::defines_attributes_of(const ClassType& type) const {
  return source_.dialect == Dialect::kScript && block_ == &graph_.block() &&
         function_name_ == cat(type.name, ".__init__");
}

Value* Emitter::constant(Position where, IValue content) {
  TypePtr type = type_of(content);
  return constant(where, std::move(content), std::move(type));
}

Value* Emitter::constant(Position where, IValue content, TypePtr type) {
  Node* made = node(where, "prim::Constant");
  made->value = std::move(content);
  return made->add_output(std::move(type));
}

Value* Emitter::list(Position where, TypePtr element, const std::vector<Value*>& items) {
  return value(where, "prim::ListConstruct", items, list_type(std::move(element)));
}

Value* Emitter::tuple(Position where, const std::vector<Value*>& items, TypePtr type) {
  if (type == nullptr) {
    std::vector<TypePtr> types;
    for (const Value* item : items) types.push_back(item->type);
    type = tuple_type(std::move(types));
  }
  return value(where, "prim::TupleConstruct", items, std::move(type));
}

std::vector<Value*> Emitter::unpack_tuple(Position where, Value* tuple) {
  if (tuple->node->is("prim::TupleConstruct")) return tuple->node->inputs;
  Node* made = node(where, "prim::TupleUnpack", {tuple});
  std::vector<Value*> items;
  for (const TypePtr& type : tuple->type->contained()) items.push_back(made->add_output(type));
  return items;
}

Value* Emitter::unchecked_cast(Position where, Value* input, TypePtr type) {
  return value(where, "prim::unchecked_cast", {input}, std::move(type));
}

Value* Emitter::uninitialized(Position where, TypePtr type) {
  return value(where, "prim::Uninitialized", {}, std::move(type));
}

Value* Emitter::get_attribute(Position where, Value* object, std::string_view name, TypePtr type) {
  Node* made = node(where, "prim::GetAttr", {object});
  made->name = std::string(name);
  return made->add_output(std::move(type));
}

Value* Emitter::builtin(Position where, std::string_view name, const std::vector<Value*>& positional,
                        const std::vector<NamedValue>& keywords) {
  const CallResult result = call_builtin(*this, where, name, {positional, keywords}, nullptr);
  if (result.values.size() != 1) fail(where, cat(name, " gives no single value"));
  return result.values[0];
}

void Emitter::undo_to(Node* last) {
  while (last_node() != last) {
    for (const Value* output : block_->last()->outputs) empty_lists_.erase(output);
    block_->last()->destroy();
  }
}

Value* Emitter::convert(Position where, const TypePtr& type, Value* input, Conversion conversion) {
  if (type->kind() == TypeKind::Optional && input->type->kind() != TypeKind::Optional &&
      input->type->kind() != TypeKind::None) {
    return convert(where, type->contained()[0], input, conversion);
  }
  if (is_empty_list(input) && type->kind() == TypeKind::List && !same_type(input->type, type)) {
    return list(where, type->contained()[0], {});
  }
  if (input->type->kind() == TypeKind::Tuple) return convert_tuple(where, type, input, conversion);
  if (conversion == Conversion::kNone || is_subtype(*input->type, *type)) return input;
  Value* converted = convert_scalar(where, type, input);
  if (conversion == Conversion::kLiterals && converted == input)
    converted = convert_literal(where, type, input);
  return converted;
}

Value* Emitter::convert_tuple(Position where, const TypePtr& type, Value* input, Conversion conversion) {
  if (tuple_fits_list(*input->type, *unwrap_optional(type))) {
    return list(where, unwrap_optional(type)->contained()[0], unpack_tuple(where, input));
  }
  if (type->kind() != TypeKind::Tuple || is_subtype(*input->type, *type)) return input;
  const auto& wanted = type->contained();
  if (wanted.size() != input->type->contained().size() || static_cast<const TupleType&>(*type).is_named())
    return input;
  std::vector<Value*> items = unpack_tuple(where, input);
  for (size_t i = 0; i < items.size(); ++i) items[i] = convert(where, wanted[i], items[i], conversion);
  return tuple(where, items);
}

/// PyTorch's implicit conversions.
Value* Emitter::convert_scalar(Position where, const TypePtr& type, Value* input) {
  const TypeKind wanted = type->kind();
  switch (input->type->kind()) {
    case TypeKind::Tensor:
      if (wanted == TypeKind::Float) return builtin(where, "aten::FloatImplicit", {input});
      if (wanted == TypeKind::Int) return builtin(where, "aten::IntImplicit", {input});
      if (wanted == TypeKind::Number) return builtin(where, "aten::ScalarImplicit", {input});
      if (wanted == TypeKind::Complex && is_builtin("aten::ComplexImplicit")) {
        return builtin(where, "aten::ComplexImplicit", {input});
      }
      return input;
    case TypeKind::Number:
      if (wanted == TypeKind::Float) return builtin(where, "aten::Float", {input});
      if (wanted == TypeKind::Int) return builtin(where, "aten::Int", {input});
      if (wanted == TypeKind::Complex) return builtin(where, "aten::Complex", {input});
      return input;
    case TypeKind::Bool:
      if (wanted == TypeKind::Float) return builtin(where, "aten::Float", {input});
      if (wanted == TypeKind::Int || wanted == TypeKind::Number) return builtin(where, "aten::Int", {input});
      return input;
    case TypeKind::String:
      if (wanted == TypeKind::Device) return builtin(where, "aten::device", {input});
      return input;
    default:
      return input;
  }
}

/// Int literals, alone or in a list literal, as floats.
Value* Emitter::convert_literal(Position where, const TypePtr& type, Value* input) {
  const auto as_float = [&](Value* item) -> Value* {
    const IValue* content = constant_of(item);
    if (content == nullptr || !content->isInt()) return item;
    return constant(where, static_cast<double>(content->toInt()));
  };
  if (type->kind() == TypeKind::Float) return as_float(input);
  if (type->kind() != TypeKind::List || type->contained()[0]->kind() != TypeKind::Float) return input;
  // A list that a variable or anything else refers to may have been written to since it was made.
  if (!input->node->is("prim::ListConstruct") || !input->hint.empty() || input->has_uses()) return input;
  std::vector<Value*> items = input->node->inputs;
  for (Value*& item : items) {
    item = as_float(item);
    if (item->type->kind() != TypeKind::Float) return input;
  }
  return list(where, float_type(), items);
}

Value* Emitter::convert_to(Position where, const TypePtr& type, Value* input, std::string_view what) {
  Value* converted = convert(where, type, input, Conversion::kLiterals);
  if (!is_subtype(*converted->type, *type)) {
    fail(where, cat(what, ": expected a value of type '", type->annotation(), "', but found type '",
                    input->type->annotation(), "'"));
  }
  return converted;
}

}  // namespace calque::torchscript
