// Conditions, and what they say about the types of variables.
#include <algorithm>

#include "base/text.h"
#include "torchscript/compiler.h"

namespace calque::torchscript {

namespace {

enum class Match : uint8_t { kNever, kAlways, kMaybe };

bool may_be_none(const Type& type) {
  return type.kind() == TypeKind::None || type.kind() == TypeKind::Any || is_subtype(*none_type(), type);
}

/// The types that a value of `type` may have: members of unions and optionals.
std::vector<TypePtr> members(const TypePtr& type) {
  if (type->kind() == TypeKind::Union) return type->contained();
  if (type->kind() == TypeKind::Optional) return {type->contained()[0], none_type()};
  return {type};
}

TypePtr without_none(const TypePtr& type) {
  std::vector<TypePtr> rest = members(type);
  std::erase_if(rest, [](const TypePtr& member) { return member->kind() == TypeKind::None; });
  return rest.empty() ? none_type() : union_type(rest);
}

struct InstanceTest {
  Match match = Match::kNever;
  std::vector<TypePtr> if_true;
  std::vector<TypePtr> if_false;
};

InstanceTest test_instance(const TypePtr& type, const std::vector<TypePtr>& wanted) {
  InstanceTest test;
  bool some = false;
  bool all = true;
  for (const TypePtr& member : members(type)) {
    const bool matches = std::any_of(wanted.begin(), wanted.end(), [&](const TypePtr& candidate) {
      return is_subtype(*member, *candidate);
    });
    if (matches) {
      some = true;
      test.if_true.push_back(member);
      continue;
    }
    all = false;
    test.if_false.push_back(member);
    for (const TypePtr& candidate : wanted) {
      if (!is_subtype(*candidate, *member)) continue;
      some = true;
      test.if_true.push_back(candidate);
    }
  }
  test.match = all ? Match::kAlways : some ? Match::kMaybe : Match::kNever;
  return test;
}

Condition negated(Condition condition) {
  std::swap(condition.when_true, condition.when_false);
  if (condition.fixed.has_value()) condition.fixed = !*condition.fixed;
  return condition;
}

}  // namespace

Condition FunctionCompiler::condition(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return combined(expr);
    case ExprKind::kUnary:
      if (expr.text == "not") {
        Condition inner = negated(condition(*expr.items[0]));
        if (inner.value != nullptr) inner.value = builtin(expr.where, "aten::__not__", {inner.value});
        return inner;
      }
      break;
    case ExprKind::kCompare:
      if (expr.text == "is" || expr.text == "is not") {
        const bool equal = expr.text == "is";
        if (expr.items[1]->is(ExprKind::kNone)) return compare_none(expr, *expr.items[0], equal);
        if (expr.items[0]->is(ExprKind::kNone)) return compare_none(expr, *expr.items[1], equal);
      }
      break;
    case ExprKind::kCall:
      if (expr.items[0]->is_name("isinstance") && frame_->find("isinstance") == nullptr)
        return instance_condition(expr);
      if (expr.items[0]->is_name("hasattr") && frame_->find("hasattr") == nullptr)
        return attribute_condition(expr);
      break;
    default:
      break;
  }
  Condition out{.value = to_bool(expr.where, value_of(expr))};
  if (const IValue* content = constant_of(out.value); content != nullptr && content->isBool()) {
    out.fixed = content->toBool();
  }
  return out;
}

Condition FunctionCompiler::compare_none(const Expr& expr, const Expr& tested, bool equal) {
  Value* value = value_of(tested);
  Condition out;
  if (value->type->kind() == TypeKind::None) {
    out.fixed = equal;
  } else if (!may_be_none(*value->type)) {
    out.fixed = !equal;
  } else {
    Value* none = constant(expr.where, IValue());
    out.value = builtin(expr.where, equal ? "aten::__is__" : "aten::__isnot__", {value, none});
    if (tested.is(ExprKind::kName) && value->type->kind() != TypeKind::Any) {
      const std::string name(tested.text);
      (equal ? out.when_false : out.when_true)[name] = without_none(value->type);
      // An optional that is None keeps its type, so that a value may be assigned to it.
      if (value->type->kind() == TypeKind::Union)
        (equal ? out.when_true : out.when_false)[name] = none_type();
    }
  }
  return out;
}

/// `a and b`, `a or b`: b is evaluated only when a does not decide, and knows what a says.
Condition FunctionCompiler::combined(const Expr& expr) {
  const bool is_and = expr.is(ExprKind::kAnd);
  Condition left = condition(*expr.items[0]);
  if (left.fixed.has_value()) {
    if (*left.fixed != is_and) return left;
    refine(expr.where, is_and ? left.when_true : left.when_false);
    Condition right = condition(*expr.items[1]);
    for (const auto& [name, type] : left.when_true) right.when_true.emplace(name, type);
    for (const auto& [name, type] : left.when_false) right.when_false.emplace(name, type);
    return right;
  }
  Node* branch = node(expr.where, "prim::If", {left.value});
  Frame yes_frame(frame_);
  Frame no_frame(frame_);
  Condition right;
  const auto decided = [&] {
    block()->add_output(constant(expr.where, !is_and));
    return Flow::kNext;
  };
  const auto undecided = [&] {
    refine(expr.where, is_and ? left.when_true : left.when_false);
    right = condition(*expr.items[1]);
    block()->add_output(condition_value(expr.where, right));
    return Flow::kNext;
  };
  Block* const yes = branch->add_block();
  Block* const no = branch->add_block();
  in_block(yes, yes_frame, [&] { return is_and ? undecided() : decided(); });
  in_block(no, no_frame, [&] { return is_and ? decided() : undecided(); });
  Condition out{.value = branch->add_output(bool_type())};
  Refinements& both = is_and ? out.when_true : out.when_false;
  both = is_and ? right.when_true : right.when_false;
  for (const auto& [name, type] : is_and ? left.when_true : left.when_false) both.emplace(name, type);
  if (right.fixed.has_value() && *right.fixed != is_and) out.fixed = right.fixed;
  return out;
}

Condition FunctionCompiler::instance_condition(const Expr& expr) {
  if (expr.items.size() != 3 || !expr.keywords.empty())
    fail(expr.where, "isinstance takes a value and a type, or a tuple of types");
  Value* value = value_of(*expr.items[1]);
  std::vector<TypePtr> wanted;
  if (expr.items[2]->is(ExprKind::kTuple)) {
    for (const Expr* type : expr.items[2]->items) wanted.push_back(read_type(*type));
  } else {
    wanted.push_back(read_type(*expr.items[2]));
  }
  InstanceTest test = test_instance(value->type, wanted);
  Condition out;
  if (test.match != Match::kMaybe) {
    out.fixed = test.match == Match::kAlways;
    return out;
  }
  Node* made = node(expr.where, "prim::isinstance", {value});
  made->types = wanted;
  out.value = made->add_output(bool_type());
  if (expr.items[1]->is(ExprKind::kName)) {
    const std::string name(expr.items[1]->text);
    if (!test.if_true.empty()) out.when_true[name] = union_type(test.if_true);
    if (!test.if_false.empty()) out.when_false[name] = union_type(test.if_false);
  }
  return out;
}

Condition FunctionCompiler::attribute_condition(const Expr& expr) {
  if (expr.items.size() != 3 || !expr.items[2]->is(ExprKind::kString)) {
    fail(expr.where, "hasattr takes a value and the name of an attribute in quotes");
  }
  const Sugared object = sugared(*expr.items[1]);
  const Value* value = simple_value(object);
  if (value != nullptr && value->type->kind() == TypeKind::Class) {
    program().complete(static_cast<const ClassType&>(*value->type));
  }
  return {.fixed = object->has_attribute(expr.items[2]->text)};
}

Value* FunctionCompiler::condition_value(Position where, const Condition& condition) {
  if (condition.value != nullptr) return condition.value;
  return constant(where, *condition.fixed);
}

Value* FunctionCompiler::to_bool(Position where, Value* value) {
  switch (value->type->kind()) {
    case TypeKind::Bool:
      return value;
    case TypeKind::Tensor:
    case TypeKind::Int:
    case TypeKind::Float:
      return builtin(where, "aten::Bool", {value});
    case TypeKind::Number:
      return builtin(where, "aten::Bool", {builtin(where, "aten::Float", {value})});
    case TypeKind::Class:
      if (static_cast<const ClassType&>(*value->type).find_method("__bool__") != nullptr) {
        return method_value(value, "__bool__")->call(*this, where, {})->as_value(*this, where);
      }
      break;
    default:
      break;
  }
  const bool sized = value->type->kind() == TypeKind::List || value->type->kind() == TypeKind::Dict ||
                     value->type->kind() == TypeKind::String;
  const bool optional = value->type->kind() == TypeKind::Optional;
  fail(where, cat("Could not cast value of type ", value->type->annotation(), " to bool",
                  sized      ? "; test its len()"
                  : optional ? "; test it with 'is not None'"
                             : ""));
}

void FunctionCompiler::refine(Position where, const Refinements& refinements) {
  for (const auto& [name, type] : refinements) {
    Value* value = simple_value(frame_->find(name));
    if (value == nullptr || same_type(value->type, type)) continue;
    Value* refined =
        type->kind() == TypeKind::None ? constant(where, IValue()) : unchecked_cast(where, value, type);
    if (refined->hint.empty() && type->kind() != TypeKind::None) refined->hint = value->hint;
    frame_->set(name, simple(refined));
  }
}

/// `a if c else b`
Value* FunctionCompiler::conditional(const Expr& expr, const TypePtr& hint) {
  const Condition tested = condition(*expr.items[0]);
  if (tested.fixed.has_value()) {
    Frame frame(frame_);
    Frame* const before = std::exchange(frame_, &frame);
    refine(expr.where, *tested.fixed ? tested.when_true : tested.when_false);
    Value* value = value_of(*tested.fixed ? *expr.items[1] : *expr.items[2], hint);
    frame_ = before;
    return value;
  }
  Node* branch = node(expr.where, "prim::If", {tested.value});
  Block* const yes = branch->add_block();
  Block* const no = branch->add_block();
  const auto arm = [&](Block* target, const Expr& value, const Refinements& refinements) {
    Frame frame(frame_);
    Value* result = nullptr;
    in_block(target, frame, [&] {
      refine(expr.where, refinements);
      result = value_of(value, hint);
      return Flow::kNext;
    });
    return result;
  };
  Value* yes_value = arm(yes, *expr.items[1], tested.when_true);
  Value* no_value = arm(no, *expr.items[2], tested.when_false);
  TypePtr type = unify_types(yes_value->type, no_value->type);
  if (type == nullptr && hint != nullptr && is_subtype(*yes_value->type, *hint) &&
      is_subtype(*no_value->type, *hint)) {
    type = hint;
  }
  if (type == nullptr) {
    fail(expr.where, cat("the two values of this conditional expression have the types '",
                         yes_value->type->annotation(), "' and '", no_value->type->annotation(), "'"));
  }
  yes->add_output(yes_value);
  no->add_output(no_value);
  return branch->add_output(std::move(type));
}

}  // namespace calque::torchscript
