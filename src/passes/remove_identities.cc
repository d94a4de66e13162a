#include "ops/operator.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

bool is_false(const Value* value) {
  const Node* node = value->node;
  return node->is("prim::Constant") && node->value.isBool() && !node->value.toBool();
}

/// Operators that return the very tensor they were given, as PyTorch's own do in inference.
bool gives_its_input_back(const Node& node) {
  if (node.op == nullptr) return false;
  const std::string& name = node.op->name();
  if (name == "aten::dropout" || name == "aten::feature_dropout") return is_false(node.input(2));
  return name == "aten::detach";
}

void remove_in(Block& block) {
  for (Node* node = block.first(); node != block.return_node();) {
    Node* following = node->next;
    for (auto& inner : node->blocks) remove_in(*inner);
    if (gives_its_input_back(*node)) {
      node->output()->replace_all_uses_with(node->input());
      node->destroy();
    }
    node = following;
  }
}

}  // namespace

void remove_identities(Graph& graph) { remove_in(graph.block()); }

}  // namespace calque::passes
