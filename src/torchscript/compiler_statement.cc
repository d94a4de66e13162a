// Statements without blocks of their own, and `with`.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "torchscript/closure_value.h"
#include "torchscript/compiler.h"
#include "torchscript/loop_context.h"
#include "torchscript/operator_match.h"
#include "torchscript/type_parser.h"

namespace calque::torchscript {

namespace {

constexpr std::array<std::string_view, 16> kExceptions = {
    "ArithmeticError", "AssertionError",    "AttributeError",     "Exception",
    "IndexError",      "KeyError",          "LookupError",        "NotImplementedError",
    "OverflowError",   "RuntimeError",      "StopIteration",      "TypeError",
    "ValueError",      "ZeroDivisionError", "FloatingPointError", "MemoryError",
};

struct AugmentedRow {
  std::string_view text;
  std::string_view builtin;
  std::string_view in_place;  ///< for tensors; empty when there is none
  std::string_view method;    ///< of classes
};

constexpr std::array kAugmented = {
    AugmentedRow{"+=", "aten::add", "aten::add_", "__iadd__"},
    AugmentedRow{"-=", "aten::sub", "aten::sub_", "__isub__"},
    AugmentedRow{"*=", "aten::mul", "aten::mul_", "__imul__"},
    AugmentedRow{"/=", "aten::div", "aten::div_", "__itruediv__"},
    AugmentedRow{"//=", "aten::floordiv", "aten::floor_divide_", "__ifloordiv__"},
    AugmentedRow{"%=", "aten::remainder", "aten::remainder_", "__imod__"},
    AugmentedRow{"**=", "aten::pow", "aten::pow_", "__ipow__"},
    AugmentedRow{"@=", "aten::matmul", "", "__imatmul__"},
    AugmentedRow{"&=", "aten::__and__", "aten::__iand__", "__iand__"},
    AugmentedRow{"|=", "aten::__or__", "aten::__ior__", "__ior__"},
    AugmentedRow{"^=", "aten::__xor__", "aten::__ixor__", "__ixor__"},
    AugmentedRow{"<<=", "aten::__lshift__", "aten::__ilshift__", "__ilshift__"},
    AugmentedRow{">>=", "aten::__rshift__", "aten::__irshift__", "__irshift__"},
};

}  // namespace

Flow FunctionCompiler::statements(Statements list) {
  for (size_t i = 0; i < list.size(); ++i) {
    Flow flow = Flow::kNext;
    const Statements rest = list.subspan(i + 1);
    if (list[i]->kind == StmtKind::kIf) {
      bool rest_is_done = false;
      flow = if_statement(*list[i], rest, rest_is_done);
      if (rest_is_done) return flow;
    } else {
      flow = statement(*list[i]);
    }
    if (flow == Flow::kNext) continue;
    // In archives an exception is a call, and the arm goes on to name its results.
    if (flow == Flow::kThrow && list[i]->kind == StmtKind::kExpr) statements(rest);
    if (flow != Flow::kMaybe || rest.empty()) return flow;
    return guarded(list[i]->where, [&] { return statements(rest); });
  }
  return Flow::kNext;
}

Flow FunctionCompiler::statement(const Stmt& stmt) {
  switch (stmt.kind) {
    case StmtKind::kExpr:
      return expression_statement(stmt);
    case StmtKind::kAssign:
      assign(stmt);
      return Flow::kNext;
    case StmtKind::kAugAssign:
      augment(stmt);
      return Flow::kNext;
    case StmtKind::kReturn:
      return return_statement(stmt);
    case StmtKind::kRaise:
      return raise_statement(stmt);
    case StmtKind::kAssert:
      return assert_statement(stmt);
    case StmtKind::kDelete:
      delete_statement(stmt);
      return Flow::kNext;
    case StmtKind::kWhile:
      return while_statement(stmt);
    case StmtKind::kFor:
      return for_statement(stmt);
    case StmtKind::kWith:
      return with_statement(stmt);
    case StmtKind::kBreak:
    case StmtKind::kContinue:
      return leave_loop(stmt);
    case StmtKind::kPass:
      return Flow::kNext;
    case StmtKind::kDef:
      set_variable(stmt.where, stmt.text, std::make_shared<ClosureValue>(stmt));
      return Flow::kNext;
    case StmtKind::kAnnotate:
      fail(stmt.where, "a declaration without a value; assign one, for example with annotate()");
    case StmtKind::kClass:
      fail(stmt.where, "a class inside a function");
    case StmtKind::kImport:
      fail(stmt.where, "an import inside a function");
    case StmtKind::kIf:
      break;
  }
  fail(stmt.where, "this statement is not part of TorchScript");
}

Flow FunctionCompiler::expression_statement(const Stmt& stmt) {
  sugared(*stmt.value);
  const Node* last = last_node();
  return last != nullptr && last->is("prim::RaiseException") ? Flow::kThrow : Flow::kNext;
}

Flow FunctionCompiler::return_statement(const Stmt& stmt) {
  Value* result = stmt.value == nullptr ? constant(stmt.where, IValue())
                                        : value_of(*stmt.value, return_declared_ ? return_type_ : nullptr);
  if (return_declared_) {
    result = convert_to(stmt.where, return_type_, result, "return value");
  } else if (return_type_ == nullptr) {
    return_type_ = result->type;
  } else {
    TypePtr unified = unify_types(return_type_, result->type);
    if (unified == nullptr) {
      fail(stmt.where, cat("returns '", result->type->annotation(), "' here and '",
                           return_type_->annotation(), "' elsewhere; annotate the return type"));
    }
    return_type_ = std::move(unified);
  }
  frame_->set("%return", simple(result));
  if (uses_flags_) {
    frame_->set("%exit", simple(flag(stmt.where, true)));
    if (loop_ != nullptr) {
      frame_->set("%stop", simple(flag(stmt.where, true)));
      frame_->set("%returned", simple(flag(stmt.where, true)));
    }
  }
  return Flow::kReturn;
}

Flow FunctionCompiler::leave_loop(const Stmt& stmt) {
  const std::string_view word = stmt.kind == StmtKind::kBreak ? "break" : "continue";
  if (loop_ == nullptr) fail(stmt.where, cat("'", word, "' outside a loop"));
  if (loop_->unrolled) {
    fail(stmt.where,
         cat("'", word, "' in a loop over a tuple or over modules, which is unrolled; loop over a list"));
  }
  frame_->set("%exit", simple(flag(stmt.where, true)));
  if (stmt.kind == StmtKind::kBreak) frame_->set("%stop", simple(flag(stmt.where, true)));
  return Flow::kLeave;
}

Flow FunctionCompiler::raise_statement(const Stmt& stmt) {
  if (stmt.value == nullptr) fail(stmt.where, "'raise' without an exception");
  const Expr& error = stmt.value->is(ExprKind::kCall) ? *stmt.value->items[0] : *stmt.value;
  const std::string name = dotted_name(error);
  if (std::find(kExceptions.begin(), kExceptions.end(), name) == kExceptions.end()) {
    fail(stmt.where,
         cat("cannot raise ", name.empty() ? "this" : name, "; raise one of Python's own exceptions"));
  }
  Value* message = nullptr;
  if (stmt.value->is(ExprKind::kCall)) {
    const Arguments given = arguments(*stmt.value);
    if (given.positional.size() > 1 || !given.keywords.empty()) {
      message = builtin(stmt.where, "aten::str", {tuple(stmt.where, given.positional)});
    } else if (given.positional.size() == 1) {
      message = given.positional[0];
    }
  }
  if (message == nullptr) message = constant(stmt.where, "");
  return raise_value(stmt.where, message, cat("builtins.", name));
}

Flow FunctionCompiler::raise_value(Position where, Value* message, const std::string& error) {
  if (message->type->kind() != TypeKind::String) message = builtin(where, "aten::str", {message});
  Value* cls = error.empty() ? constant(where, IValue()) : constant(where, error);
  node(where, "prim::RaiseException", {message, cls});
  return Flow::kThrow;
}

/// `assert c, m` is `if c: pass; else: raise`, with what c says about variables known afterwards.
Flow FunctionCompiler::assert_statement(const Stmt& stmt) {
  const Condition tested = condition(*stmt.value);
  const auto raise = [&] {
    Value* text = constant(stmt.where, "AssertionError: ");
    if (stmt.second != nullptr && stmt.second->is(ExprKind::kString)) {
      text = constant(stmt.where, cat("AssertionError: ", stmt.second->text));
    } else if (stmt.second != nullptr) {
      Value* message = value_of(*stmt.second);
      if (message->type->kind() != TypeKind::String) message = builtin(stmt.where, "aten::str", {message});
      text = builtin(stmt.where, "aten::add", {text, message});
    }
    return raise_value(stmt.where, text, "");
  };
  if (tested.fixed.has_value()) {
    if (!*tested.fixed) return raise();
    refine(stmt.where, tested.when_true);
    return Flow::kNext;
  }
  Node* branch = node(stmt.where, "prim::If", {tested.value});
  Frame yes_frame(frame_);
  Frame no_frame(frame_);
  const Arm yes{branch->add_block(), &yes_frame, Flow::kNext};
  const Arm no{branch->add_block(), &no_frame, Flow::kThrow};
  in_block(yes.block, yes_frame, [&] {
    refine(stmt.where, tested.when_true);
    return Flow::kNext;
  });
  in_block(no.block, no_frame, raise);
  merge(stmt.where, branch, yes, no);
  return Flow::kNext;
}

Flow FunctionCompiler::with_statement(const Stmt& stmt) {
  std::vector<Value*> managers;
  for (const WithItem& item : stmt.with_items) {
    Value* manager = value_of(*item.value);
    Value* entered = node(stmt.where, "prim::Enter", {manager})->add_output(enter_type(stmt.where, *manager));
    if (item.target != nullptr) assign_to(*item.target, simple(entered));
    managers.push_back(manager);
  }
  const Flow flow = statements(stmt.body);
  for (auto manager = managers.rbegin(); manager != managers.rend(); ++manager) {
    node(stmt.where, "prim::Exit", {*manager});
  }
  return flow;
}

/// What `__enter__` gives; the class must have `__exit__`, too, with three arguments.
TypePtr FunctionCompiler::enter_type(Position where, const Value& manager) {
  constexpr size_t kExitArguments = 4;
  if (manager.type->kind() == TypeKind::Class) {
    const auto& type = static_cast<const ClassType&>(*manager.type);
    Function* const enter = type.find_method("__enter__");
    Function* const exit = type.find_method("__exit__");
    if (enter != nullptr && exit != nullptr &&
        program().schema_of(*exit).arguments.size() == kExitArguments) {
      return program().schema_of(*enter).returns[0].type;
    }
  }
  fail(where,
       cat("'", manager.type->annotation(),
           "' cannot stand after 'with': it needs methods __enter__(self) and __exit__(self, type, value, "
           "traceback)"));
}

void FunctionCompiler::delete_statement(const Stmt& stmt) {
  for (const Expr* target : stmt.targets) {
    if (target->is(ExprKind::kName)) {
      frame_->erase(target->text);
      continue;
    }
    if (!target->is(ExprKind::kSubscript) || target->items.size() != 2 ||
        target->items[1]->is(ExprKind::kSlice)) {
      fail(stmt.where, "'del' takes a name, an element of a list or an entry of a dict");
    }
    Value* container = value_of(*target->items[0]);
    if (container->type->kind() == TypeKind::Class) {
      simple(container)
          ->attribute(*this, stmt.where, "__delitem__")
          ->call(*this, stmt.where, {.positional = {value_of(*target->items[1])}});
      continue;
    }
    call_builtin(*this, stmt.where, "aten::Delete", {.positional = {container, value_of(*target->items[1])}},
                 nullptr);
  }
}

void FunctionCompiler::assign(const Stmt& stmt) {
  TypePtr hint = stmt.annotation == nullptr ? nullptr : read_type(*stmt.annotation);
  Sugared value = sugared(*stmt.value, hint);
  if (hint != nullptr) value = simple(annotated(stmt.where, value->as_value(*this, stmt.where), hint));
  Node* const made = last_node();
  if (stmt.targets.size() > 1) value = simple(value->as_value(*this, stmt.where));
  for (const Expr* target : stmt.targets) assign_to(*target, value);
  const bool unpacks = stmt.targets.size() == 1 && !stmt.targets[0]->is(ExprKind::kName);
  // The tuple of `a, b = x, y` was taken apart before anybody saw it.
  if (stmt.value->is(ExprKind::kTuple) && unpacks && made->is("prim::TupleConstruct") &&
      !made->output()->has_uses()) {
    made->destroy();
  }
}

void FunctionCompiler::assign_to(const Expr& target, const Sugared& value) {
  switch (target.kind) {
    case ExprKind::kName:
      set_variable(target.where, target.text, value);
      return;
    case ExprKind::kTuple:
    case ExprKind::kList:
      unpack_to(target, value);
      return;
    case ExprKind::kAttribute:
      sugared(*target.items[0])
          ->set_attribute(*this, target.where, target.text, value->as_value(*this, target.where));
      return;
    case ExprKind::kSubscript:
      subscript_assign(target, value->as_value(*this, target.where));
      return;
    default:
      fail(target.where, "this cannot be assigned to");
  }
}

void FunctionCompiler::unpack_to(const Expr& target, const Sugared& value) {
  const auto& targets = target.items;
  const auto starred =
      std::find_if(targets.begin(), targets.end(), [](const Expr* t) { return t->is(ExprKind::kStarred); });
  const std::vector<Sugared> items = value->elements(*this, target.where, targets.size());
  const bool fits =
      starred == targets.end() ? items.size() == targets.size() : items.size() + 1 >= targets.size();
  if (!fits) {
    fail(target.where, cat(items.size() > targets.size() ? "too many" : "need more",
                           " values to unpack: need ", targets.size(), " but found ", items.size()));
  }
  if (starred == targets.end()) {
    for (size_t i = 0; i < targets.size(); ++i) assign_to(*targets[i], items[i]);
    return;
  }
  const auto before = static_cast<size_t>(starred - targets.begin());
  const size_t after = targets.size() - before - 1;
  for (size_t i = 0; i < before; ++i) assign_to(*targets[i], items[i]);
  const std::vector<Sugared> middle(items.begin() + static_cast<std::ptrdiff_t>(before),
                                    items.end() - static_cast<std::ptrdiff_t>(after));
  assign_to(*(*starred)->items[0], std::make_shared<TupleValue>(middle));
  for (size_t i = 0; i < after; ++i) assign_to(*targets[before + 1 + i], items[items.size() - after + i]);
}

void FunctionCompiler::augment(const Stmt& stmt) {
  const Expr& target = *stmt.targets[0];
  if (target.is(ExprKind::kSubscript)) {
    subscript_augment(stmt);
    return;
  }
  if (target.is(ExprKind::kAttribute)) {
    const Sugared object = sugared(*target.items[0]);
    Value* left = object->attribute(*this, target.where, target.text)->as_value(*this, target.where);
    Value* right = value_of(*stmt.value);
    Value* result = augmented(stmt, left, right);
    // A tensor was changed in place, and so was the attribute that holds it.
    if (left->type->kind() != TypeKind::Tensor)
      object->set_attribute(*this, target.where, target.text, result);
    return;
  }
  Value* left = value_of(target);
  Value* right = value_of(*stmt.value);
  set_variable(stmt.where, target.text, simple(augmented(stmt, left, right)));
}

Value* FunctionCompiler::augmented(const Stmt& stmt, Value* left, Value* right) {
  const auto row = std::find_if(kAugmented.begin(), kAugmented.end(),
                                [&](const AugmentedRow& candidate) { return candidate.text == stmt.text; });
  if (row == kAugmented.end()) fail(stmt.where, cat("'", stmt.text, "' is not part of TorchScript"));
  const TypeKind kind = left->type->kind();
  if (kind == TypeKind::Class) {
    const auto& type = static_cast<const ClassType&>(*left->type);
    if (type.find_method(row->method) != nullptr) {
      return method_value(left, row->method)
          ->call(*this, stmt.where, {.positional = {right}})
          ->as_value(*this, stmt.where);
    }
    return operate(stmt.where, stmt.text.substr(0, stmt.text.size() - 1), left, right);
  }
  const bool in_place =
      !row->in_place.empty() && (kind == TypeKind::Tensor || (kind == TypeKind::List && row->text == "+="));
  if (in_place) return builtin(stmt.where, row->in_place, {left, right});
  return operate(stmt.where, stmt.text.substr(0, stmt.text.size() - 1), left, right);
}

}  // namespace calque::torchscript
