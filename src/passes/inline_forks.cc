#include <algorithm>

#include "passes/passes.h"

namespace calque::passes {

namespace {

bool is_only_waited_for(const Value& future) {
  return std::all_of(future.uses.begin(), future.uses.end(),
                     [](const Value::Use& use) { return use.user->is("aten::wait"); });
}

void call_at_once(Node& fork) {
  Value* future = fork.output();
  Node* call = fork.graph().create("prim::CallFunction", fork.inputs);
  call->function = fork.function;
  call->range = fork.range;
  call->scope = fork.scope;
  Value* result = call->add_output(future->type->contained()[0], future->hint);
  call->insert_before(&fork);
  while (future->has_uses()) {
    Node* wait = future->uses.front().user;
    wait->output()->replace_all_uses_with(result);
    wait->destroy();
  }
  fork.destroy();
}

/// Backwards, because a wait stands behind its fork.
void inline_in(Block& block) {
  for (Node* node = block.last(); node != block.param_node();) {
    for (auto& inner : node->blocks) inline_in(*inner);
    Node* before = node->prev;
    if (node->is("prim::fork") && node->function != nullptr && is_only_waited_for(*node->output())) {
      call_at_once(*node);
    }
    node = before;
  }
}

}  // namespace

void inline_forks(Graph& graph) { inline_in(graph.block()); }

}  // namespace calque::passes
