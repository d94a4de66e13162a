// Expressions.
#include <algorithm>
#include <array>
#include <complex>

#include "base/text.h"
#include "torchscript/compiler.h"
#include "torchscript/operator_match.h"

namespace calque::torchscript {

namespace {

struct OperatorRow {
  std::string_view text;
  std::string_view builtin;
  std::string_view method;  ///< of classes
};

constexpr std::array kBinary = {
    OperatorRow{"+", "aten::add", "__add__"},
    OperatorRow{"-", "aten::sub", "__sub__"},
    OperatorRow{"*", "aten::mul", "__mul__"},
    OperatorRow{"/", "aten::div", "__truediv__"},
    OperatorRow{"//", "aten::floordiv", "__floordiv__"},
    OperatorRow{"%", "aten::remainder", "__mod__"},
    OperatorRow{"**", "aten::pow", "__pow__"},
    OperatorRow{"@", "aten::matmul", "__matmul__"},
    OperatorRow{"&", "aten::__and__", "__and__"},
    OperatorRow{"|", "aten::__or__", "__or__"},
    OperatorRow{"^", "aten::__xor__", "__xor__"},
    OperatorRow{"<<", "aten::__lshift__", "__lshift__"},
    OperatorRow{">>", "aten::__rshift__", "__rshift__"},
    OperatorRow{"<", "aten::lt", "__lt__"},
    OperatorRow{">", "aten::gt", "__gt__"},
    OperatorRow{"<=", "aten::le", "__le__"},
    OperatorRow{">=", "aten::ge", "__ge__"},
    OperatorRow{"==", "aten::eq", "__eq__"},
    OperatorRow{"!=", "aten::ne", "__ne__"},
    OperatorRow{"is", "aten::__is__", ""},
    OperatorRow{"is not", "aten::__isnot__", ""},
};

}  // namespace

Value* FunctionCompiler::value_of(const Expr& expr, const TypePtr& hint) {
  return sugared(expr, hint)->as_value(*this, expr.where);
}

Sugared FunctionCompiler::sugared(const Expr& expr, const TypePtr& hint) {
  switch (expr.kind) {
    case ExprKind::kName:
      return find_name(expr.where, expr.text);
    case ExprKind::kAttribute:
      return sugared(*expr.items[0])->attribute(*this, expr.where, expr.text);
    case ExprKind::kCall:
      return call(expr, hint);
    case ExprKind::kSubscript:
      return subscript(expr);
    case ExprKind::kInteger:
    case ExprKind::kFloat:
    case ExprKind::kImaginary:
      return simple(number(expr, false));
    case ExprKind::kString:
      return simple(constant(expr.where, std::string(expr.text)));
    case ExprKind::kTrue:
    case ExprKind::kFalse:
      return simple(constant(expr.where, expr.is(ExprKind::kTrue)));
    case ExprKind::kNone:
      return simple(constant(expr.where, IValue()));
    case ExprKind::kTuple:
      return simple(tuple_literal(expr, hint));
    case ExprKind::kList:
      return simple(list_literal(expr, hint));
    case ExprKind::kDict:
      return simple(dict_literal(expr, hint));
    case ExprKind::kListComp:
      return simple(list_comprehension(expr, hint));
    case ExprKind::kDictComp:
      return simple(dict_comprehension(expr, hint));
    case ExprKind::kUnary:
      return simple(unary(expr));
    case ExprKind::kBinary:
      return simple(binary(expr));
    case ExprKind::kCompare:
      return simple(comparison(expr));
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return simple(condition_value(expr.where, condition(expr)));
    case ExprKind::kConditional:
      return simple(conditional(expr, hint));
    case ExprKind::kFormat:
      return simple(format(expr));
    case ExprKind::kEllipsis:
    case ExprKind::kSlice:
    case ExprKind::kStarred:
      break;
  }
  fail(expr.where, "this expression cannot stand here");
}

Value* FunctionCompiler::number(const Expr& expr, bool negative) {
  if (expr.is(ExprKind::kFloat)) return constant(expr.where, negative ? -expr.real : expr.real);
  if (expr.is(ExprKind::kImaginary)) {
    return constant(expr.where, std::complex<double>(0, negative ? -expr.real : expr.real));
  }
  const uint64_t limit = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (expr.integer > limit) {
    fail(expr.where, "Integral constant out of range (must fit in a signed 64 bit integer)");
  }
  // 0 - x in unsigned arithmetic, so that -2^63 does not overflow.
  return constant(expr.where, static_cast<int64_t>(negative ? 0 - expr.integer : expr.integer));
}

Value* FunctionCompiler::unary(const Expr& expr) {
  const Expr& operand = *expr.items[0];
  if (expr.text == "not") return condition_value(expr.where, condition(expr));
  const bool literal =
      operand.is(ExprKind::kInteger) || operand.is(ExprKind::kFloat) || operand.is(ExprKind::kImaginary);
  if (expr.text == "-" && literal) return number(operand, true);
  Value* value = value_of(operand);
  if (expr.text == "+") return value;
  if (value->type->kind() == TypeKind::Class) {
    return method_value(value, expr.text == "-" ? "__neg__" : "__invert__")
        ->call(*this, expr.where, {})
        ->as_value(*this, expr.where);
  }
  if (expr.text == "-") {
    if (const IValue* content = constant_of(value); content != nullptr && content->isDouble()) {
      return constant(expr.where, -content->toDouble());
    }
  }
  return builtin(expr.where, expr.text == "-" ? "aten::neg" : "aten::bitwise_not", {value});
}

Value* FunctionCompiler::binary(const Expr& expr) {
  Value* left = value_of(*expr.items[0]);
  Value* right = value_of(*expr.items[1]);
  const IValue* a = constant_of(left);
  const IValue* b = constant_of(right);
  // A complex literal reads `3.+4.j`.
  if (expr.text == "+" && a != nullptr && b != nullptr && b->isComplexDouble() &&
      (a->isDouble() || a->isInt())) {
    return constant(expr.where, std::complex<double>(a->toScalar().to_double()) + b->toComplexDouble());
  }
  return operate(expr.where, expr.text, left, right);
}

Value* FunctionCompiler::operate(Position where, std::string_view text, Value* left, Value* right) {
  const auto row =
      std::find_if(kBinary.begin(), kBinary.end(), [&](const OperatorRow& r) { return r.text == text; });
  if (row == kBinary.end()) fail(where, cat("operator '", text, "' is not part of TorchScript"));
  if (left->type->kind() == TypeKind::Class && !row->method.empty()) {
    return method_value(left, row->method)
        ->call(*this, where, {.positional = {right}})
        ->as_value(*this, where);
  }
  if (text == "%" && left->type->kind() == TypeKind::String) {
    return builtin(where, "aten::percentFormat", {left, right});
  }
  if (text == "+" && left->type->kind() == TypeKind::Tuple && right->type->kind() == TypeKind::Tuple) {
    std::vector<Value*> items = unpack_tuple(where, left);
    for (Value* item : unpack_tuple(where, right)) items.push_back(item);
    return tuple(where, items);
  }
  const bool tensor = left->type->kind() == TypeKind::Tensor;
  return builtin(where, tensor && text == "//" ? "aten::floor_divide" : row->builtin, {left, right});
}

Value* FunctionCompiler::comparison(const Expr& expr) {
  const bool about_none = expr.items[0]->is(ExprKind::kNone) || expr.items[1]->is(ExprKind::kNone);
  if (about_none && (expr.text == "is" || expr.text == "is not")) {
    return condition_value(expr.where, condition(expr));
  }
  Value* left = value_of(*expr.items[0]);
  Value* right = value_of(*expr.items[1]);
  if (expr.text == "in" || expr.text == "not in") {
    Value* found = right->type->kind() == TypeKind::Class
                       ? method_value(right, "__contains__")
                             ->call(*this, expr.where, {.positional = {left}})
                             ->as_value(*this, expr.where)
                       : builtin(expr.where, "aten::__contains__", {right, left});
    return expr.text == "in" ? found : builtin(expr.where, "aten::__not__", {found});
  }
  return operate(expr.where, expr.text, left, right);
}

/// The element type of a container literal.
TypePtr FunctionCompiler::common_type(const std::vector<Value*>& values, const TypePtr& hint) {
  const bool fits = hint != nullptr && std::all_of(values.begin(), values.end(), [&](const Value* value) {
                      return is_subtype(*value->type, *hint);
                    });
  if (fits) return hint;
  TypePtr type = values[0]->type;
  for (const Value* value : values) {
    type = unify_types(type, value->type);
    if (type == nullptr) break;
  }
  if (type != nullptr) return type;
  std::vector<TypePtr> all;
  for (const Value* value : values) all.push_back(value->type);
  return union_type(all);
}

namespace {

/// The part of a hint that has the kind of a literal: List[int] of Optional[List[int]].
TypePtr hint_of_kind(const TypePtr& hint, TypeKind kind) {
  if (hint == nullptr || hint->kind() == kind) return hint;
  if (hint->kind() != TypeKind::Optional && hint->kind() != TypeKind::Union) return nullptr;
  for (const TypePtr& member : hint->contained()) {
    if (member->kind() == kind) return member;
  }
  return nullptr;
}

}  // namespace

Value* FunctionCompiler::list_literal(const Expr& expr, const TypePtr& hint) {
  const TypePtr list_hint = hint_of_kind(hint, TypeKind::List);
  const TypePtr element_hint = list_hint == nullptr ? nullptr : list_hint->contained()[0];
  std::vector<Value*> items;
  for (const Expr* item : expr.items) {
    if (item->is(ExprKind::kStarred)) fail(item->where, "'*' in a list literal is not part of TorchScript");
    Value* value = value_of(*item, element_hint);
    if (element_hint != nullptr) value = convert(item->where, element_hint, value, Conversion::kLiterals);
    items.push_back(value);
  }
  if (items.empty()) {
    Value* made = list(expr.where, element_hint == nullptr ? tensor_type() : element_hint, {});
    if (element_hint == nullptr) mark_empty_list(made);
    return made;
  }
  return list(expr.where, common_type(items, element_hint), items);
}

Value* FunctionCompiler::dict_literal(const Expr& expr, const TypePtr& hint) {
  const TypePtr dict_hint = hint_of_kind(hint, TypeKind::Dict);
  const TypePtr key_hint = dict_hint == nullptr ? nullptr : dict_hint->contained()[0];
  const TypePtr value_hint = dict_hint == nullptr ? nullptr : dict_hint->contained()[1];
  std::vector<Value*> inputs;
  std::vector<Value*> keys;
  std::vector<Value*> values;
  for (size_t i = 0; i < expr.items.size(); i += 2) {
    keys.push_back(value_of(*expr.items[i], key_hint));
    Value* value = value_of(*expr.items[i + 1], value_hint);
    if (value_hint != nullptr) value = convert(expr.where, value_hint, value, Conversion::kLiterals);
    values.push_back(value);
    inputs.push_back(keys.back());
    inputs.push_back(values.back());
  }
  TypePtr type = dict_hint;
  if (!keys.empty()) type = dict_type(common_type(keys, key_hint), common_type(values, value_hint));
  if (type == nullptr) type = dict_type(string_type(), tensor_type());
  return value(expr.where, "prim::DictConstruct", inputs, std::move(type));
}

Value* FunctionCompiler::tuple_literal(const Expr& expr, const TypePtr& hint) {
  const TypePtr tuple_hint = hint_of_kind(hint, TypeKind::Tuple);
  const bool usable = tuple_hint != nullptr && tuple_hint->contained().size() == expr.items.size();
  std::vector<Value*> items;
  for (size_t i = 0; i < expr.items.size(); ++i) {
    if (expr.items[i]->is(ExprKind::kStarred)) {
      Value* inner = value_of(*expr.items[i]->items[0]);
      if (inner->type->kind() != TypeKind::Tuple) fail(expr.where, "'*' in a tuple literal needs a tuple");
      for (Value* item : unpack_tuple(expr.where, inner)) items.push_back(item);
      continue;
    }
    const TypePtr item_hint = usable ? tuple_hint->contained()[i] : nullptr;
    Value* item = value_of(*expr.items[i], item_hint);
    if (item_hint != nullptr && item->type->kind() == TypeKind::None)
      item = annotated(expr.where, item, item_hint);
    items.push_back(item);
  }
  return tuple(expr.where, items);
}

/// An f-string is a format call.
Value* FunctionCompiler::format(const Expr& expr) {
  std::string text;
  std::vector<Value*> values{nullptr};
  for (const Expr* part : expr.items) {
    if (!part->is(ExprKind::kString)) {
      text += "{}";
      values.push_back(value_of(*part));
      continue;
    }
    // Braces of the text itself would be taken for places.
    if (part->text.find_first_of("{}") == std::string_view::npos) {
      text += part->text;
    } else {
      text += "{}";
      values.push_back(constant(part->where, std::string(part->text)));
    }
  }
  values[0] = constant(expr.where, text);
  return builtin(expr.where, "aten::format", values);
}

}  // namespace calque::torchscript
