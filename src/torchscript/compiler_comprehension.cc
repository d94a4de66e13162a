// List and dict comprehensions: loops that fill a container.
#include "base/text.h"
#include "torchscript/compiler.h"
#include "torchscript/loop_context.h"
#include "torchscript/operator_match.h"

namespace calque::torchscript {

/// Runs `body` once per element that passes the filter, with the target assigned in a frame of its own.
void FunctionCompiler::comprehension_loop(const Expr& target, const Expr& source, const Expr* filter,
                                          const std::function<void()>& body) {
  const Position where = target.where;
  const Sugared iterable = sugared(source)->iterable(*this, where);
  const auto filtered = [&] {
    if (filter == nullptr) return body();
    const Condition tested = condition(*filter);
    if (tested.fixed.has_value()) {
      if (*tested.fixed) body();
      return;
    }
    Node* branch = node(where, "prim::If", {tested.value});
    Frame frame(frame_);
    Block* const yes = branch->add_block();
    branch->add_block();
    in_block(yes, frame, [&] {
      refine(where, tested.when_true);
      body();
      return Flow::kNext;
    });
  };
  const auto bind = [&](const Sugared& element) {
    // The target hides a variable of the same name outside and leaves it alone.
    std::vector<std::string> names;
    collect_target_names(target, names);
    if (target.is(ExprKind::kName)) {
      frame_->set(target.text, element);
    } else {
      Frame* const parent = frame_;
      Frame isolated(nullptr);
      frame_ = &isolated;
      assign_to(target, element);
      frame_ = parent;
      for (const std::string& name : names) frame_->set(name, isolated.find(name));
    }
    filtered();
  };
  if (iterable->static_length().has_value()) {
    for (const Sugared& element : iterable->elements(*this, where, *iterable->static_length())) {
      Frame frame(frame_);
      Frame* const before = std::exchange(frame_, &frame);
      bind(element);
      frame_ = before;
    }
    return;
  }
  Value* trips = iterable->length(*this, where);
  Node* made = node(where, "prim::Loop", {trips, constant(where, true)});
  Block* const inner = made->add_block();
  Value* counter = inner->add_input(int_type());
  Frame frame(frame_);
  in_block(inner, frame, [&] {
    bind(iterable->element(*this, where, counter));
    block()->add_output(constant(where, true));
    return Flow::kNext;
  });
}

Value* FunctionCompiler::list_comprehension(const Expr& expr, const TypePtr& hint) {
  const bool hinted = hint != nullptr && hint->kind() == TypeKind::List;
  TypePtr element_type = hinted ? hint->contained()[0] : nullptr;
  Value* out = list(expr.where, element_type == nullptr ? tensor_type() : element_type, {});
  comprehension_loop(*expr.items[1], *expr.items[2], expr.items[3], [&] {
    Value* item = value_of(*expr.items[0], element_type);
    if (element_type == nullptr) {
      element_type = item->type;
      out->type = list_type(element_type);
    }
    item = convert_to(expr.where, element_type, item, "element of the list comprehension");
    call_builtin(*this, expr.where, "aten::append", {.positional = {out, item}}, nullptr);
  });
  return out;
}

Value* FunctionCompiler::dict_comprehension(const Expr& expr, const TypePtr& hint) {
  const bool hinted = hint != nullptr && hint->kind() == TypeKind::Dict;
  TypePtr type = hinted ? hint : nullptr;
  Value* out = value(expr.where, "prim::DictConstruct", {},
                     type == nullptr ? dict_type(string_type(), tensor_type()) : type);
  comprehension_loop(*expr.items[2], *expr.items[3], expr.items[4], [&] {
    Value* key = value_of(*expr.items[0]);
    Value* item = value_of(*expr.items[1], type == nullptr ? nullptr : type->contained()[1]);
    if (type == nullptr) {
      type = dict_type(key->type, item->type);
      out->type = type;
    }
    key = convert_to(expr.where, type->contained()[0], key, "key of the dict comprehension");
    item = convert_to(expr.where, type->contained()[1], item, "value of the dict comprehension");
    call_builtin(*this, expr.where, "aten::_set_item", {.positional = {out, key, item}}, nullptr);
  });
  return out;
}

}  // namespace calque::torchscript
