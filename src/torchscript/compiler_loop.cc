// Loops: prim::Loop carries the variables that the body assigns; loops over tuples are unrolled.
#include <algorithm>

#include "base/text.h"
#include "torchscript/compiler.h"
#include "torchscript/loop_context.h"

namespace calque::torchscript {

namespace {

/// A trip count that never ends a loop.
constexpr int64_t kForever = INT64_MAX;

void add_name(std::string_view name, std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

void collect(std::span<const Stmt* const> body, std::vector<std::string>& names) {
  for (const Stmt* stmt : body) {
    if (stmt->kind == StmtKind::kDef || stmt->kind == StmtKind::kClass) continue;
    for (const Expr* target : stmt->targets) collect_target_names(*target, names);
    for (const WithItem& item : stmt->with_items) {
      if (item.target != nullptr) collect_target_names(*item.target, names);
    }
    collect(stmt->body, names);
    collect(stmt->otherwise, names);
  }
}

bool holds(std::span<const Stmt* const> body, StmtKind kind) {
  return std::any_of(body.begin(), body.end(), [&](const Stmt* stmt) {
    if (stmt->kind == kind) return true;
    if (stmt->kind == StmtKind::kDef || stmt->kind == StmtKind::kClass) return false;
    const bool inner_loop = stmt->kind == StmtKind::kFor || stmt->kind == StmtKind::kWhile;
    if (inner_loop && kind != StmtKind::kReturn) return false;
    return holds(stmt->body, kind) || holds(stmt->otherwise, kind);
  });
}

}  // namespace

void collect_target_names(const Expr& target, std::vector<std::string>& names) {
  if (target.is(ExprKind::kName)) add_name(target.text, names);
  if (target.is(ExprKind::kTuple) || target.is(ExprKind::kList) || target.is(ExprKind::kStarred)) {
    for (const Expr* item : target.items) collect_target_names(*item, names);
  }
}

std::vector<std::string> assigned_names(std::span<const Stmt* const> body) {
  std::vector<std::string> names;
  collect(body, names);
  return names;
}

Flow FunctionCompiler::while_statement(const Stmt& stmt) {
  Loop context{.stmt = stmt};
  const Condition first = condition(*stmt.value);
  if (first.fixed == false) return Flow::kNext;
  Value* start = condition_value(stmt.where, first);
  Value* trips = constant(stmt.where, kForever);
  context.node = node(stmt.where, "prim::Loop", {trips, start});
  context.body = [&](Value*) {
    Refinements known = first.when_true;
    // What the body assigns keeps its type, so that it may become None again.
    for (const std::string& name : context.carried) known.erase(name);
    refine(stmt.where, known);
    return statements(stmt.body);
  };
  context.again = [&] { return condition_value(stmt.where, condition(*stmt.value)); };
  return loop(context);
}

Flow FunctionCompiler::for_statement(const Stmt& stmt) {
  const Sugared iterable = sugared(*stmt.value)->iterable(*this, stmt.where);
  if (iterable->static_length().has_value()) {
    Loop context{.stmt = stmt, .unrolled = true, .around = loop_};
    loop_ = &context;
    const Flow flow = unrolled(stmt, iterable->elements(*this, stmt.where, *iterable->static_length()), 0);
    loop_ = context.around;
    return flow;
  }
  Loop context{.stmt = stmt};
  Value* trips = iterable->length(*this, stmt.where);
  Value* start = constant(stmt.where, true);
  context.node = node(stmt.where, "prim::Loop", {trips, start});
  context.body = [&](Value* counter) {
    assign_to(*stmt.targets[0], iterable->element(*this, stmt.where, counter));
    return statements(stmt.body);
  };
  return loop(context);
}

Flow FunctionCompiler::unrolled(const Stmt& stmt, const std::vector<Sugared>& items, size_t at) {
  for (; at < items.size(); ++at) {
    assign_to(*stmt.targets[0], items[at]);
    const Flow flow = statements(stmt.body);
    if (flow == Flow::kNext) continue;
    if (flow != Flow::kMaybe || at + 1 == items.size()) return flow;
    return guarded(stmt.where, [&] { return unrolled(stmt, items, at + 1); });
  }
  return Flow::kNext;
}

Flow FunctionCompiler::loop(Loop& context) {
  const Stmt& stmt = context.stmt;
  context.returns = holds(stmt.body, StmtKind::kReturn);
  context.stops = context.returns || holds(stmt.body, StmtKind::kBreak);
  context.leaves = context.stops || holds(stmt.body, StmtKind::kContinue);
  context.around = std::exchange(loop_, &context);
  open_loop(context);
  Block* const body = context.node->add_block();
  Frame frame(frame_);
  Value* counter = body->add_input(int_type());
  for (const std::string& name : context.carried) {
    Value* before = simple_value(frame_->find(name));
    context.node->add_input(before);
    Value* inside = body->add_input(before->type, name);
    if (unset_returns_.contains(before)) unset_returns_.insert(inside);
    frame.set(name, simple(inside));
  }
  in_block(body, frame, [&] {
    if (context.leaves) frame_->set("%exit", simple(flag(stmt.where, false)));
    if (context.stops) frame_->set("%stop", simple(flag(stmt.where, false)));
    const Flow flow = context.body(counter);
    close_loop(context, flow);
    return flow;
  });
  uses_flags_ = uses_flags_ || context.leaves;
  loop_ = context.around;
  for (size_t i = 0; i < context.carried.size(); ++i) {
    Value* last = body->outputs()[i + 1];
    Value* output = context.node->add_output(body->inputs()[i + 1]->type, body->inputs()[i + 1]->hint);
    if (unset_returns_.contains(last)) unset_returns_.insert(output);
    frame_->set(context.carried[i], simple(output));
  }
  if (!context.returns) return Flow::kNext;
  frame_->set("%exit", frame_->find("%returned"));
  if (loop_ != nullptr) frame_->set("%stop", frame_->find("%returned"));
  return Flow::kMaybe;
}

/// Decides which variables the loop carries, and gives them values from before it.
void FunctionCompiler::open_loop(Loop& context) {
  const Stmt& stmt = context.stmt;
  std::vector<std::string> names;
  if (stmt.kind == StmtKind::kFor) collect_target_names(*stmt.targets[0], names);
  collect(stmt.body, names);
  for (const std::string& name : names) {
    if (simple_value(frame_->find(name)) != nullptr) context.carried.push_back(name);
  }
  if (!context.returns) return;
  // The values from before the loop must stand before its node.
  const auto before_loop = [&](Value* value) {
    value->node->move_before(context.node);
    return simple(value);
  };
  if (frame_->find("%returned") == nullptr || context.around == nullptr) {
    frame_->set("%returned", before_loop(flag(stmt.where, false)));
  }
  if (frame_->find("%return") == nullptr) {
    Value* unset = uninitialized(stmt.where, return_type_ == nullptr ? none_type() : return_type_);
    unset->hint = "%return";
    unset_returns_.insert(unset);
    frame_->set("%return", before_loop(unset));
  }
  context.carried.emplace_back("%returned");
  context.carried.emplace_back("%return");
}

/// Gives the body's results: whether to go on, then the carried variables.
void FunctionCompiler::close_loop(Loop& context, Flow flow) {
  const Position where = context.stmt.where;
  block()->add_output(loop_goes_on(context, flow));
  for (size_t i = 0; i < context.carried.size(); ++i) {
    const std::string& name = context.carried[i];
    Value* last = simple_value(frame_->find(name));
    Value* const inside = block()->inputs()[i + 1];
    if (name == "%return") {
      // Only now is the type of what the body returns known.
      if (unset_returns_.contains(inside) && !unset_returns_.contains(last)) {
        inside->type = last->type;
        context.node->inputs[i + 2]->type = last->type;
      }
    } else if (!is_subtype(*last->type, *inside->type)) {
      if (flow != Flow::kThrow) {
        fail(where, cat("Variable '", name, "' previously had type '", inside->type->annotation(),
                        "' but is now being assigned to a value of type '", last->type->annotation(), "'"));
      }
      last = uninitialized(where, inside->type);
    }
    block()->add_output(last);
  }
}

/// For the next iteration: false after break or return, else true or, in a while loop, its condition.
Value* FunctionCompiler::loop_goes_on(Loop& context, Flow flow) {
  const Position where = context.stmt.where;
  if (flow == Flow::kThrow || flow == Flow::kReturn) return constant(where, false);
  if (!context.stops) return context.again ? context.again() : constant(where, true);
  Value* stop = simple_value(frame_->find("%stop"));
  Node* branch = node(where, "prim::If", {stop});
  Frame stopped_frame(frame_);
  Frame frame(frame_);
  Block* const stopped_block = branch->add_block();
  in_block(stopped_block, stopped_frame, [&] {
    block()->add_output(constant(where, false));
    return Flow::kNext;
  });
  in_block(branch->add_block(), frame, [&] {
    block()->add_output(context.again ? context.again() : constant(where, true));
    return Flow::kNext;
  });
  return branch->add_output(bool_type());
}

}  // namespace calque::torchscript
