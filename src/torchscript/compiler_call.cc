// Calls, and the forms whose arguments are types or names.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "torchscript/compiler.h"
#include "torchscript/operator_match.h"

namespace calque::torchscript {

Sugared FunctionCompiler::call(const Expr& expr, const TypePtr& hint) {
  const Sugared callee = sugared(*expr.items[0]);
  if (const auto form = special_form_of(*callee)) {
    if (*form == SpecialForm::kList) return list_call(expr, hint);
    if (*form == SpecialForm::kDict) return dict_call(expr, hint);
    return special_call(*form, expr);
  }
  std::string name;
  Value* self = nullptr;
  if (is_builtin_function(*callee, &name, &self) && name == "aten::tolist" && self != nullptr &&
      self->type->kind() == TypeKind::Tensor) {
    return to_list(expr.where, self, hint);
  }
  // `C.__new__(C)`: the class is an argument, and no value.
  if (expr.items[0]->is(ExprKind::kAttribute) && expr.items[0]->text == "__new__") {
    return callee->call(*this, expr.where, {});
  }
  return callee->call(*this, expr.where, arguments(expr));
}

/// Evaluates the arguments of a call, except the first `skip`.
Arguments FunctionCompiler::arguments(const Expr& expr, size_t skip) {
  Arguments out;
  for (size_t i = 1 + skip; i < expr.items.size(); ++i) {
    const Expr& item = *expr.items[i];
    if (!item.is(ExprKind::kStarred)) {
      out.positional.push_back(value_of(item));
      continue;
    }
    Value* inner = value_of(*item.items[0]);
    if (inner->type->kind() != TypeKind::Tuple) {
      fail(item.where, cat("'*' before an argument needs a tuple, found '", inner->type->annotation(), "'"));
    }
    for (Value* value : unpack_tuple(item.where, inner)) out.positional.push_back(value);
  }
  for (const Keyword& keyword : expr.keywords)
    out.keywords.push_back({keyword.name, value_of(*keyword.value)});
  return out;
}

Sugared FunctionCompiler::special_call(SpecialForm form, const Expr& expr) {
  const size_t given = expr.items.size() - 1;
  const auto expect = [&](size_t count) {
    if (given != count || !expr.keywords.empty()) {
      fail(expr.where, cat(sugared(*expr.items[0])->describe(), " takes ", count, " arguments, found ",
                           given + expr.keywords.size()));
    }
  };
  switch (form) {
    case SpecialForm::kAnnotate:
      expect(2);
      return annotate_call(expr);
    case SpecialForm::kUncheckedCast: {
      expect(2);
      TypePtr type = read_type(*expr.items[1]);
      Value* value = value_of(*expr.items[2], type);
      return simple(unchecked_cast(expr.where, value, std::move(type)));
    }
    case SpecialForm::kUninitialized:
      expect(1);
      return simple(uninitialized(expr.where, read_type(*expr.items[1])));
    case SpecialForm::kIsinstance:
    case SpecialForm::kHasattr:
      return simple(condition_value(expr.where, condition(expr)));
    case SpecialForm::kGetattr:
      return getattr_call(expr);
    case SpecialForm::kFork:
      return fork_call(expr);
    case SpecialForm::kTuple:
      return tuple_call(expr);
    case SpecialForm::kRange:
      return range_value(*this, expr.where, arguments(expr).positional);
    case SpecialForm::kZip: {
      std::vector<Sugared> parts;
      for (size_t i = 1; i < expr.items.size(); ++i) {
        parts.push_back(sugared(*expr.items[i])->iterable(*this, expr.where));
      }
      if (parts.empty()) fail(expr.where, "zip needs at least one argument");
      return zip_value(std::move(parts));
    }
    case SpecialForm::kEnumerate: {
      if (given < 1 || given > 2) fail(expr.where, "enumerate takes one or two arguments");
      Sugared part = sugared(*expr.items[1])->iterable(*this, expr.where);
      Value* start = given == 2                  ? value_of(*expr.items[2])
                     : expr.keywords.size() == 1 ? value_of(*expr.keywords[0].value)
                                                 : constant(expr.where, int64_t{0});
      return enumerate_value(std::move(part),
                             convert_to(expr.where, int_type(), start, "start of enumerate"));
    }
    case SpecialForm::kList:
    case SpecialForm::kDict:
      break;
  }
  fail(expr.where, "this call is not part of TorchScript");
}

/// `annotate(T, x)`: x as T, with PyTorch's implicit conversions. A None, an empty list and tolist() take
/// their type from T.
Sugared FunctionCompiler::annotate_call(const Expr& expr) {
  const TypePtr type = read_type(*expr.items[1]);
  Value* value = value_of(*expr.items[2], type);
  if (value->type->kind() == TypeKind::None && constant_of(value) != nullptr &&
      is_subtype(*value->type, *type)) {
    return simple(constant(expr.where, IValue(), type));
  }
  return simple(convert_to(expr.where, type, value, "annotate"));
}

Sugared FunctionCompiler::getattr_call(const Expr& expr) {
  const size_t given = expr.items.size() - 1;
  if (given < 2 || given > 3 || !expr.items[2]->is(ExprKind::kString)) {
    fail(expr.where,
         "getattr takes a value, the name of an attribute in quotes, and perhaps a value for when it has "
         "none");
  }
  const Sugared object = sugared(*expr.items[1]);
  const std::string_view name = expr.items[2]->text;
  if (given == 3 && !object->has_attribute(name)) return sugared(*expr.items[3]);
  return object->attribute(*this, expr.where, name);
}

/// `list(x)`: a copy of a list, or the elements of anything that a loop can run over.
Sugared FunctionCompiler::list_call(const Expr& expr, const TypePtr& hint) {
  const bool hinted = hint != nullptr && hint->kind() == TypeKind::List;
  if (expr.items.size() == 1) {
    Value* made = list(expr.where, hinted ? hint->contained()[0] : tensor_type(), {});
    if (!hinted) mark_empty_list(made);
    return simple(made);
  }
  if (expr.items.size() != 2) fail(expr.where, "list takes at most one argument");
  const Sugared source = sugared(*expr.items[1]);
  if (Value* value = simple_value(source)) {
    if (value->type->kind() == TypeKind::List || value->type->kind() == TypeKind::String) {
      return pack(call_builtin(*this, expr.where, "aten::list", {.positional = {value}}, nullptr));
    }
  }
  const Sugared iterable = source->iterable(*this, expr.where);
  if (const auto length = iterable->static_length()) {
    std::vector<Value*> items;
    for (const Sugared& item : iterable->elements(*this, expr.where, *length))
      items.push_back(item->as_value(*this, expr.where));
    if (items.empty()) fail(expr.where, "list() of an empty tuple; write annotate(List[T], [])");
    return simple(list(expr.where, common_type(items, hinted ? hint->contained()[0] : nullptr), items));
  }
  Value* out = list(expr.where, tensor_type(), {});
  Value* trips = iterable->length(*this, expr.where);
  Node* made = node(expr.where, "prim::Loop", {trips, constant(expr.where, true)});
  Block* const body = made->add_block();
  Value* counter = body->add_input(int_type());
  Frame frame(frame_);
  in_block(body, frame, [&] {
    Value* item = iterable->element(*this, expr.where, counter)->as_value(*this, expr.where);
    out->type = list_type(item->type);
    call_builtin(*this, expr.where, "aten::append", {.positional = {out, item}}, nullptr);
    block()->add_output(constant(expr.where, true));
    return Flow::kNext;
  });
  return simple(out);
}

/// `dict()`, `dict(a=1)`, `dict(pairs)`, `dict(other)`.
Sugared FunctionCompiler::dict_call(const Expr& expr, const TypePtr& hint) {
  const bool hinted = hint != nullptr && hint->kind() == TypeKind::Dict;
  if (expr.items.size() > 2) fail(expr.where, "dict takes at most one argument without a name");
  if (expr.items.size() == 2) {
    if (!expr.keywords.empty()) fail(expr.where, "dict takes pairs or names, not both");
    return pack(call_builtin(*this, expr.where, "aten::dict", arguments(expr), nullptr));
  }
  std::vector<Value*> inputs;
  std::vector<Value*> values;
  for (const Keyword& keyword : expr.keywords) {
    inputs.push_back(constant(expr.where, std::string(keyword.name)));
    values.push_back(value_of(*keyword.value));
    inputs.push_back(values.back());
  }
  TypePtr type = hinted ? hint : dict_type(string_type(), tensor_type());
  if (!values.empty())
    type = dict_type(string_type(), common_type(values, hinted ? hint->contained()[1] : nullptr));
  return simple(value(expr.where, "prim::DictConstruct", inputs, std::move(type)));
}

Sugared FunctionCompiler::tuple_call(const Expr& expr) {
  if (expr.items.size() == 1) return simple(tuple(expr.where, {}));
  if (expr.items.size() != 2) fail(expr.where, "tuple takes at most one argument");
  const Sugared source = sugared(*expr.items[1])->iterable(*this, expr.where);
  const auto length = source->static_length();
  if (!length.has_value())
    fail(expr.where, "cannot statically infer the expected size of a list in this context");
  std::vector<Value*> items;
  for (const Sugared& item : source->elements(*this, expr.where, *length))
    items.push_back(item->as_value(*this, expr.where));
  return simple(tuple(expr.where, items));
}

/// `x.tolist()`: the type of the result says how deep and of what kind it is.
Sugared FunctionCompiler::to_list(Position where, Value* tensor, const TypePtr& hint) {
  if (hint == nullptr) fail(where, "tolist() needs to know its type: write annotate(List[int], x.tolist())");
  const TypePtr* element = &hint;
  int64_t depth = 0;
  for (; (*element)->kind() == TypeKind::List; ++depth) element = &(*element)->contained()[0];
  // The operator takes the number of dimensions and a number for the kind of the elements.
  const std::array kinds = {TypeKind::Int, TypeKind::Float, TypeKind::Bool};
  const auto kind = std::find(kinds.begin(), kinds.end(), (*element)->kind());
  if (kind == kinds.end()) {
    fail(where, cat("tolist() gives ints, floats or bools, or lists of these; found ", hint->annotation()));
  }
  const std::span<const Operator* const> operators = find_operators("prim::tolist");
  if (operators.empty()) fail(where, "tolist() is not implemented");
  Node* made =
      node(where, "prim::tolist",
           {tensor, constant(where, depth), constant(where, static_cast<int64_t>(kind - kinds.begin()))});
  made->op = operators[0];
  return simple(made->add_output(hint));
}

}  // namespace calque::torchscript
