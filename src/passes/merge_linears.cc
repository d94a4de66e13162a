// Linear layers that read the same value, such as query, key and value: one product with all their weights.
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "ops/operator.h"
#include "ops/quantized_weight.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// The results become views of one buffer, which these readers do not mind: a view becomes a reshape.
constexpr std::array<std::string_view, 3> kReaders = {"aten::view", "aten::reshape", "aten::size"};

bool is_plain_linear(const Node& node) {
  return calls(node, "calque::linear") && is_constant_int(node.input(3), 0) && is_none(node.input(4));
}

/// The weights can stand in one matrix: both float, or both in the same low precision for the same input.
bool have_weights_alike(const Node& a, const Node& b) {
  const IValue* x = constant_of(a.input(1));
  const IValue* y = constant_of(b.input(1));
  const bool is_low = x != nullptr && x->isTuple();
  if (is_low != (y != nullptr && y->isTuple())) return false;
  if (!is_low) return true;
  const ops::QuantizedWeight one = ops::quantized_weight(*x), other = ops::quantized_weight(*y);
  if (one.arithmetic() != other.arithmetic() || one.depth() != other.depth()) return false;
  return !one.factors || one.factors->is_same(*other.factors);
}

bool may_be_a_view(const Value* value) {
  return std::all_of(value->uses.begin(), value->uses.end(), [](const Value::Use& use) {
    return use.offset == 0 && std::any_of(kReaders.begin(), kReaders.end(),
                                          [&](std::string_view name) { return calls(*use.user, name); });
  });
}

class Merger {
 public:
  explicit Merger(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for (Node* node = b.first(); node != b.return_node(); node = node->next) {
      for (auto& inner : node->blocks) block(*inner);
      if (!is_plain_linear(*node)) continue;
      const std::vector<Node*> group = siblings(*node);
      if (group.size() == 2 || group.size() == 3) node = merge(group);
    }
  }

 private:
  /// Mergeable linears of the same input, this one first; those before it have had their turn.
  std::vector<Node*> siblings(Node& first) {
    std::vector<Node*> group;
    for (Node* node = &first; node != first.owner->return_node(); node = node->next) {
      if (!is_plain_linear(*node) || node->input(0) != first.input(0)) continue;
      if (!have_weights_alike(first, *node)) continue;
      if (may_be_a_view(node->output()) && !writes_.may_be_written(node->output())) group.push_back(node);
    }
    return !group.empty() && group[0] == &first ? group : std::vector<Node*>();
  }

  static Node* merge(const std::vector<Node*>& group) {
    Node& first = *group[0];
    std::vector<Value*> inputs = {first.input(0)};
    for (const Node* node : group) {
      for (const size_t i : {1U, 2U}) {
        hoist_static(node->input(i), &first);
        inputs.push_back(node->input(i));
      }
    }
    inputs.push_back(first.input(5));
    Node* merged = insert_fused(group.size() == 2 ? "calque::linear_2" : "calque::linear_3", inputs, first);
    for (size_t i = 0; i < group.size(); ++i) {
      merged->output(i)->hint = group[i]->output()->hint;
      for (const Value::Use& use : group[i]->output()->uses) reshape(*use.user);
      group[i]->output()->replace_all_uses_with(merged->output(i));
      group[i]->destroy();
    }
    return merged;
  }

  /// What was contiguous is a part of longer rows now, and a view that joins rows is none of it.
  static void reshape(Node& user) {
    if (!calls(user, "aten::view") || user.op->schema().overload == "dtype") return;
    user.op = find_operator("aten::reshape");
    user.kind = user.op->name();
  }

  Writes writes_;
};

}  // namespace

void merge_linears(Graph& graph) {
  if (count_nodes(graph.block()) <= kMostNodesToSearch) Merger(graph).block(graph.block());
}

}  // namespace calque::passes
