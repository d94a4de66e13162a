#include <algorithm>
#include <optional>
#include <string_view>

#include "ops/fused.h"
#include "passes/match.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

constexpr size_t kPlaceInAttention = 9;

/// Where a fused operator takes the number; linears take it last.
std::optional<size_t> place_of_arithmetic(const Node& node) {
  if (calls(node, "calque::attention")) return kPlaceInAttention;
  const bool is_linear =
      calls(node, "calque::linear") || calls(node, "calque::linear_2") || calls(node, "calque::linear_3");
  return is_linear ? std::optional(node.inputs.size() - 1) : std::nullopt;
}

/// Weights that the archive holds in low precision say themselves how they are multiplied.
bool has_quantized_weight(const Node& node) {
  const IValue* weight = calls(node, "calque::attention") ? nullptr : constant_of(node.input(1));
  return weight != nullptr && weight->isTuple();
}

void set_in(Block& block, int64_t arithmetic) {
  for (Node* node = block.first(); node != block.return_node(); node = node->next) {
    for (auto& inner : node->blocks) set_in(*inner, arithmetic);
    const std::optional<size_t> place = place_of_arithmetic(*node);
    if (place && !has_quantized_weight(*node))
      node->replace_input(*place, insert_constant(IValue(arithmetic), *node));
  }
}

/// The lowest precision of the products on activations; 0 when none is low.
int64_t arithmetic_of_activations(const Block& block) {
  int64_t found = 0;
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    for (const auto& inner : node->blocks) found = std::max(found, arithmetic_of_activations(*inner));
    if (!place_of_arithmetic(*node) || !has_quantized_weight(*node)) continue;
    const int64_t here = constant_of(node->inputs.back())->toInt();
    if (here <= static_cast<int64_t>(ops::Arithmetic::kInt8)) found = std::max(found, here);
  }
  return found;
}

void set_attention(Block& block, int64_t arithmetic) {
  for (Node* node = block.first(); node != block.return_node(); node = node->next) {
    for (auto& inner : node->blocks) set_attention(*inner, arithmetic);
    if (calls(*node, "calque::attention"))
      node->replace_input(kPlaceInAttention, insert_constant(IValue(arithmetic), *node));
  }
}

}  // namespace

void set_arithmetic(Graph& graph, int64_t arithmetic) {
  if (arithmetic != 0) return set_in(graph.block(), arithmetic);
  if (const int64_t stored = arithmetic_of_activations(graph.block())) set_attention(graph.block(), stored);
}

}  // namespace calque::passes
