// Concatenations that only copy: the cache of a decoder starts as an empty tensor and is joined to the past.
#include <algorithm>
#include <vector>

#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// Nobody can tell the result from one of the tensors: neither is written to, leaves the call, or is asked
/// for its identity.
bool may_share(const Node& cat, Writes& writes) {
  const Value* list = cat.input(0);
  const auto is_written = [&writes](const Value* value) { return writes.may_be_written(value); };
  return list->node->is("prim::ListConstruct") && !is_written(list) && !is_written(cat.output()) &&
         !is_compared(*cat.output()) &&
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
