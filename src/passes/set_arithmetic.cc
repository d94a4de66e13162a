#include <string_view>

#include "passes/match.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

/// Where a fused operator takes the number; linears take it last.
std::optional<size_t> place_of_arithmetic(const Node& node) {
  if (calls(node, "calque::attention")) return 9;
  const bool is_linear =
      calls(node, "calque::linear") || calls(node, "calque::linear_2") || calls(node, "calque::linear_3");
  return is_linear ? std::optional(node.inputs.size() - 1) : std::nullopt;
}

void set_in(Block& block, int64_t arithmetic) {
  for (Node* node = block.first(); node != block.return_node(); node = node->next) {
    for (auto& inner : node->blocks) set_in(*inner, arithmetic);
    if (const std::optional<size_t> place = place_of_arithmetic(*node))
      node->replace_input(*place, insert_constant(IValue(arithmetic), *node));
  }
}

}  // namespace

void set_arithmetic(Graph& graph, int64_t arithmetic) { set_in(graph.block(), arithmetic); }

}  // namespace calque::passes
