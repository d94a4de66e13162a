// Linear layers that programs write as products, with weights of the module as [out, in] or as [in, out]:
//
//   matmul(x, t(weight)), addmm(bias, x, t(weight))   older releases of PyTorch
//   mm(x, weight), addmm(bias, x, weight)             Conv1D of Transformers, as in GPT-2
//   matmul(x, weight)                                 where the weight is a constant; fuse_linear has the
//   rest
//
// addmm with other factors than 1 stays.
#include <unordered_map>

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
      if (calls(node, "aten::matmul") || calls(node, "aten::mm")) return product(node);
      if (calls(node, "aten::addmm")) product_and_bias(node);
    });
  }

 private:
  bool stays(const Value* value) { return !writes_.may_be_written(value); }

  /// The weight [out, in] of a layer that multiplies by this value [in, out]: what was transposed, or the
  /// value transposed; nullptr when it is no matrix of the module's.
  Value* weight_of(Value* factor, bool is_matrix, Node& node) {
    if (!is_static(factor) || !stays(factor)) return nullptr;
    if (const Node* turn = producer(factor, "aten::t", node)) return turn->input();
    if (const IValue* constant = constant_of(factor)) return transposed(*constant, node);
    return is_matrix ? transposed(factor, node) : nullptr;
  }

  /// Layers that share a weight share the transposed one.
  Value* transposed(const IValue& constant, Node& node) {
    const bool is_matrix =
        constant.isTensor() && constant.toTensor().defined() && constant.toTensor().dim() == 2;
    if (!is_matrix) return nullptr;
    const auto [at, is_new] = transposed_.try_emplace(constant.tensor_impl());
    if (is_new) at->second = constant.toTensor().transpose(0, 1);
    return insert_constant(at->second, node);
  }

  static Value* transposed(Value* matrix, Node& node) {
    return insert_call("aten::t", {matrix}, node)->output();
  }

  void product(Node& node) {
    if (is_static(node.input(0)) || !stays(node.input(0)) || !stays(node.output())) return;
    Value* weight = weight_of(node.input(1), calls(node, "aten::mm"), node);
    if (weight != nullptr) replace(node, node.input(0), weight, insert_constant(IValue(), node));
  }

  void product_and_bias(Node& node) {
    const bool is_plain = node.inputs.size() == 5 && constant_number(node.input(3)) == 1.0 &&
                          constant_number(node.input(4)) == 1.0 && is_static(node.input(0));
    if (!is_plain || !stays(node.input(0)) || !stays(node.input(1)) || !stays(node.output())) return;
    if (const IValue* bias = constant_of(node.input(0)); bias != nullptr && !is_row(*bias)) return;
    Value* weight = weight_of(node.input(2), true, node);
    if (weight == nullptr) return;
    const bool is_old_linear = producer(node.input(2), "aten::t", node) != nullptr;
    if (is_old_linear || constant_of(node.input(0)) != nullptr)
      return replace(node, node.input(1), weight, node.input(0));
    add_behind(node, weight);
  }

  /// Of a bias that may have any shape, only addition knows what it means.
  static void add_behind(Node& node, Value* weight) {
    Value* none = insert_constant(IValue(), node);
    Value* product = insert_call("aten::linear", {node.input(1), weight, none}, node)->output();
    Value* one = insert_constant(IValue(1), node);
    Node* sum = insert_call("aten::add.Tensor", {product, node.input(0), one}, node);
    sum->output()->hint = node.output()->hint;
    node.output()->replace_all_uses_with(sum->output());
    node.destroy();
  }

  static bool is_row(const IValue& bias) {
    return bias.isTensor() && bias.toTensor().defined() && bias.toTensor().dim() == 1;
  }

  static void replace(Node& node, Value* x, Value* weight, Value* bias) {
    Node* linear = insert_call("aten::linear", {x, weight, bias}, node);
    linear->output()->hint = node.output()->hint;
    node.output()->replace_all_uses_with(linear->output());
    node.destroy();
  }

  Writes writes_;
  std::unordered_map<const TensorImpl*, Tensor> transposed_;
};

}  // namespace

void find_linears(Graph& graph) {
  Finder(graph).block(graph.block());
  remove_dead_code(graph);
}

}  // namespace calque::passes
