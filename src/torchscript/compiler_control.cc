// Branches: two blocks, and what the names mean behind them.
#include <algorithm>

#include "base/text.h"
#include "torchscript/compiler.h"
#include "torchscript/depth_guard.h"
#include "torchscript/loop_context.h"

namespace calque::torchscript {

namespace {

bool leaves(Flow flow) { return flow == Flow::kReturn || flow == Flow::kLeave; }

/// Flow behind a branch whose arms end so.
Flow combine(Flow a, Flow b) {
  if (a == b) return a;
  if (a == Flow::kThrow) return b;
  if (b == Flow::kThrow) return a;
  if (leaves(a) && leaves(b)) return Flow::kLeave;
  return Flow::kMaybe;
}

}  // namespace

Flow FunctionCompiler::in_block(Block* target, Frame& frame, const std::function<Flow()>& emit) {
  const DepthGuard guard(depth_, program().options().max_depth, source(), declaration_.def->where);
  Block* const block_before = block();
  Frame* const frame_before = std::exchange(frame_, &frame);
  set_block(target);
  const Flow flow = emit();
  set_block(block_before);
  frame_ = frame_before;
  return flow;
}

/// When one arm leaves and the other goes on, the statements behind the branch belong to the other arm: they
/// are emitted there, and what the condition says about variables holds in them.
Flow FunctionCompiler::if_statement(const Stmt& stmt, Statements rest, bool& rest_is_done) {
  const Condition tested = condition(*stmt.value);
  if (tested.fixed.has_value()) {
    refine(stmt.where, *tested.fixed ? tested.when_true : tested.when_false);
    return statements(*tested.fixed ? stmt.body : stmt.otherwise);
  }
  Node* branch = node(stmt.where, "prim::If", {tested.value});
  Frame yes_frame(frame_);
  Frame no_frame(frame_);
  Arm yes{branch->add_block(), &yes_frame, Flow::kNext};
  Arm no{branch->add_block(), &no_frame, Flow::kNext};
  yes.flow = in_block(yes.block, yes_frame, [&] {
    refine(stmt.where, tested.when_true);
    return statements(stmt.body);
  });
  no.flow = in_block(no.block, no_frame, [&] {
    refine(stmt.where, tested.when_false);
    return statements(stmt.otherwise);
  });
  const auto move_rest_into = [&](Arm& arm) {
    arm.flow = in_block(arm.block, *arm.frame, [&] { return statements(rest); });
    rest_is_done = true;
  };
  if (leaves(yes.flow) && no.flow == Flow::kNext) {
    move_rest_into(no);
  } else if (leaves(no.flow) && yes.flow == Flow::kNext) {
    move_rest_into(yes);
  }
  merge(stmt.where, branch, yes, no);
  return combine(yes.flow, no.flow);
}

/// Emits `rest` for the case that control has not left yet.
Flow FunctionCompiler::guarded(Position where, const std::function<Flow()>& rest) {
  Node* branch = node(where, "prim::If", {simple_value(frame_->find("%exit"))});
  Frame left_frame(frame_);
  Frame rest_frame(frame_);
  const Arm left{branch->add_block(), &left_frame, loop_ != nullptr ? Flow::kLeave : Flow::kReturn};
  Arm going_on{branch->add_block(), &rest_frame, Flow::kNext};
  going_on.flow = in_block(going_on.block, rest_frame, rest);
  merge(where, branch, left, going_on);
  return combine(left.flow, going_on.flow);
}

void FunctionCompiler::merge(Position where, Node* branch, const Arm& yes, const Arm& no) {
  const Flow flow = combine(yes.flow, no.flow);
  // Behind a branch that always returns nothing but the result counts.
  const auto counts = [&](const std::string& name) {
    return flow != Flow::kThrow && (flow != Flow::kReturn || name[0] == '%');
  };
  std::vector<std::string> names = yes.frame->assigned();
  for (const std::string& name : no.frame->assigned()) {
    if (yes.frame->find_here(name) == nullptr) names.push_back(name);
  }
  for (const std::string& name : names) {
    if (counts(name)) merge_variable(where, branch, yes, no, name);
  }
}

void FunctionCompiler::merge_variable(Position where, Node* branch, const Arm& yes, const Arm& no,
                                      const std::string& name) {
  Value* yes_value = arm_value(where, yes, no, name);
  Value* no_value = arm_value(where, no, yes, name);
  if (yes_value == nullptr || no_value == nullptr) {
    const bool missing_in_yes = yes.frame->find(name) == nullptr;
    if (missing_in_yes || no.frame->find(name) == nullptr) {
      frame_->set_error(name,
                        cat(name, " is not defined in the ", missing_in_yes ? "true" : "false", " branch"));
    }
    return;
  }
  const bool yes_unset = unset_returns_.contains(yes_value);
  const bool no_unset = unset_returns_.contains(no_value);
  TypePtr type;
  if (yes_unset || no_unset) {
    type = (yes_unset ? no_value : yes_value)->type;
  } else if (name == "%return" && return_declared_) {
    type = return_type_;
  } else {
    type = unify_types(yes_value->type, no_value->type);
  }
  if (type == nullptr) {
    // Assignments inside blocks fit the type from before the branch.
    if (Value* before = simple_value(frame_->find(name))) type = before->type;
  }
  if (type == nullptr) {
    frame_->set_error(
        name, cat("Type mismatch: ", name, " is set to type ", yes_value->type->annotation(),
                  " in the true branch and type ", no_value->type->annotation(), " in the false branch"));
    return;
  }
  yes.block->add_output(yes_value);
  no.block->add_output(no_value);
  Value* merged = branch->add_output(std::move(type), name);
  if (yes_unset && no_unset) unset_returns_.insert(merged);
  frame_->set(name, simple(merged));
}

/// The value of `name` at the end of an arm; nullptr when it has none. An arm that control never leaves at
/// its end gives an uninitialised value, unless it leaves an iteration: then loop variables still count.
Value* FunctionCompiler::arm_value(Position where, const Arm& arm, const Arm& other,
                                   const std::string& name) {
  Value* here = simple_value(arm.frame->find(name));
  Value* there = simple_value(other.frame->find(name));
  const bool is_flag = name[0] == '%';
  if (is_flag && here != nullptr) return here;
  if (there == nullptr) return here;
  const auto uninitialised = [&] {
    Block* const before = block();
    set_block(arm.block);
    Value* made = uninitialized(where, there->type);
    if (is_flag) made->hint = name;
    if (name == "%return") unset_returns_.insert(made);
    set_block(before);
    return made;
  };
  if (is_flag) return uninitialised();
  // An archive names the value itself, one for several arms.
  const bool is_unset = here != nullptr && here->node->is("prim::Uninitialized");
  if (is_unset && is_subtype(*here->type, *there->type)) return here;
  if (arm.flow == Flow::kThrow || arm.flow == Flow::kReturn) return uninitialised();
  if (arm.flow == Flow::kLeave) {
    if (here == nullptr) return uninitialised();
    if (is_subtype(*here->type, *there->type)) return here;
    const auto& carried = loop_->carried;
    if (std::find(carried.begin(), carried.end(), name) == carried.end()) return uninitialised();
    return here;
  }
  if (here == nullptr && arm.flow == Flow::kMaybe) return uninitialised();
  return here;
}

}  // namespace calque::torchscript
