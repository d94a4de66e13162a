// Masks are expanded to all queries and then computed with: the other order does the work once.
#include <algorithm>
#include <array>
#include <string_view>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

constexpr std::array<std::string_view, 7> kElementWise = {
    "aten::to",          "aten::sub",   "aten::rsub",       "aten::mul",
    "aten::masked_fill", "aten::where", "aten::logical_not"};

bool is_element_wise(const Node& node) {
  return node.outputs.size() == 1 && std::any_of(kElementWise.begin(), kElementWise.end(),
                                                 [&](std::string_view name) { return calls(node, name); });
}

/// A tensor without dimensions, a number, or no operand at all.
bool is_single(const Value* value) {
  if (value->type->kind() != TypeKind::Tensor) return true;
  if (const IValue* constant = constant_of(value))
    return constant->isTensor() && constant->toTensor().defined() && constant->toTensor().dim() == 0;
  const Node& node = *value->node;
  if (calls(node, "aten::to")) return is_single(node.input(0));
  if (!calls(node, "aten::zeros") && !calls(node, "aten::full")) return false;
  const Node& sizes = *node.input(0)->node;
  return (sizes.is("prim::ListConstruct") && sizes.inputs.empty()) || is_constant_ints(node.input(0), {});
}

class Sinker {
 public:
  explicit Sinker(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for (Node* node = b.first(); node != b.return_node(); node = node->next) {
      for (auto& inner : node->blocks) block(*inner);
      if (is_element_wise(*node)) visit(*node);
    }
  }

 private:
  void visit(Node& node) {
    const Node* expand = nullptr;
    for (const Value* input : node.inputs) {
      if (input->type->kind() != TypeKind::Tensor || is_single(input)) continue;
      const Node* from = producer(input, "aten::expand", node);
      if (from == nullptr || writes_.may_be_written(input)) return;
      if (expand != nullptr && (from->input(1) != expand->input(1))) return;
      expand = from;
    }
    if (expand == nullptr || writes_.may_be_written(node.output())) return;
    // `to` gives its argument back when nothing changes: the result is an expanded view then, as before.
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (const Node* from = producer(node.input(i), "aten::expand", node); from != nullptr)
        node.replace_input(i, from->input(0));
    }
    Node* after = node.graph().create("aten::expand", {node.output(), expand->input(1), expand->input(2)});
    after->op = expand->op;
    after->range = node.range;
    after->scope = node.scope;
    after->add_output(node.output()->type, node.output()->hint);
    after->insert_after(&node);
    node.output()->replace_all_uses_with(after->output());
    after->replace_input(0, node.output());
  }

  Writes writes_;
};

}  // namespace

void sink_expand(Graph& graph) { Sinker(graph).block(graph.block()); }

}  // namespace calque::passes
