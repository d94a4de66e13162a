#include "torchscript/dead_results.h"

#include <vector>

namespace calque::torchscript {

namespace {

bool prune_branch(Node& node) {
  bool changed = false;
  for (size_t i = node.outputs.size(); i-- > 0;) {
    if (node.outputs[i]->has_uses()) continue;
    node.erase_output(i);
    for (auto& inner : node.blocks) inner->return_node()->remove_input(i);
    changed = true;
  }
  return changed;
}

/// Which variables of a loop are read behind it or in its body; handing one on to another that is read
/// counts.
std::vector<bool> live_variables(const Node& loop) {
  const Block& body = *loop.blocks[0];
  const size_t count = loop.outputs.size();
  std::vector<bool> live(count, false);
  std::vector<size_t> todo;
  const auto mark = [&](size_t i) {
    if (!live[i]) todo.push_back(i);
    live[i] = true;
  };
  std::vector<std::vector<size_t>> feeds(count);  // which variables an iteration hands on to this one
  for (size_t i = 0; i < count; ++i) {
    if (loop.outputs[i]->has_uses()) mark(i);
    for (const Value::Use& use : body.inputs()[i + 1]->uses) {
      if (use.user == body.return_node() && use.offset > 0) {
        feeds[static_cast<size_t>(use.offset) - 1].push_back(i);
      } else {
        mark(i);
      }
    }
  }
  while (!todo.empty()) {
    const size_t reader = todo.back();
    todo.pop_back();
    for (const size_t i : feeds[reader]) mark(i);
  }
  return live;
}

bool prune_loop(Node& node) {
  const std::vector<bool> live = live_variables(node);
  Block& body = *node.blocks[0];
  bool changed = false;
  for (size_t i = live.size(); i-- > 0;) {
    if (live[i]) continue;
    body.return_node()->remove_input(i + 1);
    node.erase_output(i);
    node.remove_input(i + 2);
    changed = true;
  }
  // Only now has nothing that is removed a use left.
  for (size_t i = live.size(); i-- > 0;) {
    if (!live[i]) body.param_node()->erase_output(i + 1);
  }
  return changed;
}

bool prune(Block& block) {
  bool changed = false;
  for (Node* node = block.last(); node != block.param_node();) {
    Node* const before = node->prev;
    if (node->is("prim::If")) changed |= prune_branch(*node);
    if (node->is("prim::Loop")) changed |= prune_loop(*node);
    for (auto& inner : node->blocks) changed |= prune(*inner);
    const bool constant = node->is("prim::Constant") || node->is("prim::Uninitialized");
    if (constant && !node->output()->has_uses()) {
      node->destroy();
      changed = true;
    }
    node = before;
  }
  return changed;
}

}  // namespace

void remove_dead_results(Block& block) {
  while (prune(block)) {
  }
}

}  // namespace calque::torchscript
