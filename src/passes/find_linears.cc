// Linear layers that programs write as products: `matmul(x, t(weight))` and `addmm(bias, x, t(weight))` of
// older releases of PyTorch.
#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

class Finder {
 public:
  explicit Finder(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) {
      if (calls(node, "aten::matmul")) return product(node);
      if (calls(node, "aten::addmm")) product_and_bias(node);
    });
  }

 private:
  bool stays(const Value* value) { return !writes_.may_be_written(value); }

  /// The weight of a layer whose transposed one this is; nullptr for other values.
  Value* weight_of(const Value* transposed, const Node& node) {
    const Node* turn = producer(transposed, "aten::t", node);
    return turn != nullptr && is_static(turn->input()) && stays(transposed) ? turn->input() : nullptr;
  }

  void product(Node& node) {
    Value* weight = weight_of(node.input(1), node);
    if (weight == nullptr || !stays(node.input(0)) || !stays(node.output())) return;
    replace(node, node.input(0), weight, insert_constant(IValue(), node));
  }

  void product_and_bias(Node& node) {
    const bool is_plain = node.inputs.size() == 5 && constant_number(node.input(3)) == 1.0 &&
                          constant_number(node.input(4)) == 1.0 && is_static(node.input(0));
    if (!is_plain || !stays(node.input(0)) || !stays(node.input(1)) || !stays(node.output())) return;
    Value* weight = weight_of(node.input(2), node);
    if (weight != nullptr) replace(node, node.input(1), weight, node.input(0));
  }

  static void replace(Node& node, Value* x, Value* weight, Value* bias) {
    Node* linear = node.graph().create("aten::linear", {x, weight, bias});
    linear->op = find_operator("aten::linear");
    linear->range = node.range;
    linear->scope = node.scope;
    linear->add_output(tensor_type(), node.output()->hint);
    linear->insert_before(&node);
    node.output()->replace_all_uses_with(linear->output());
    node.destroy();
  }

  Writes writes_;
};

}  // namespace

void find_linears(Graph& graph) {
  Finder(graph).block(graph.block());
  remove_dead_code(graph);
}

}  // namespace calque::passes
