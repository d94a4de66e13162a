// Concatenations that only copy: the cache of a decoder starts as an empty tensor and is joined to the past.
#include <algorithm>
#include <vector>

#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// It reads elements and sizes, and keeps nothing: it cannot tell the result from an equal tensor.
bool only_reads(const Node& user) {
  return calls(user, "calque::attention") || calls(user, "aten::scaled_dot_product_attention") ||
         calls(user, "aten::matmul") || calls(user, "aten::bmm") || calls(user, "aten::size") ||
         calls(user, "aten::dim");
}

/// The value goes nowhere but into such readers, also through a transposition or another concatenation.
bool is_only_read(const Value& value) {
  return std::ranges::all_of(value.uses, [](const Value::Use& use) {
    const Node& user = *use.user;
    if (only_reads(user)) return true;
    if (calls(user, "aten::transpose") || calls(user, "aten::permute")) return is_only_read(*user.output());
    return user.is("prim::ListConstruct") &&
           std::ranges::all_of(user.output()->uses,
                               [](const Value::Use& of_list) { return calls(*of_list.user, "aten::cat"); });
  });
}

/// Nobody can tell the result from one of the tensors: neither is written to, and the result is only read.
bool may_share(const Node& cat, Writes& writes) {
  const Value* list = cat.input(0);
  const auto is_written = [&writes](const Value* value) { return writes.may_be_written(value); };
  return list->node->is("prim::ListConstruct") && is_only_read(*cat.output()) && !is_written(list) &&
         !is_written(cat.output()) &&
         std::none_of(list->node->inputs.begin(), list->node->inputs.end(), is_written);
}

}  // namespace

void share_cat(Graph& graph) {
  Writes writes;
  writes.add(graph);
  writes.mark_kept(graph);
  std::vector<Node*> found;  // before anything is replaced: `writes` knows values by their addresses
  for_each_node(graph.block(), [&](Node& node) {
    if (calls(node, "aten::cat") && node.inputs.size() == 2 && may_share(node, writes))
      found.push_back(&node);
  });
  for (Node* node : found) replace_by_fused(*node, "calque::cat", {node->input(0), node->input(1)});
}

}  // namespace calque::passes
