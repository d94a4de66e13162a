// linear, activation, addition: one operator on packed weights. `matmul(x, weight) + bias` is one, too, with
// a weight [in, out] and a bias of the module; their sizes are known at run time only (ops/fused.h).
#include <optional>

#include "ops/fused.h"
#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

using ops::LinearActivation;

std::optional<LinearActivation> activation_of(const Node& node) {
  if (calls(node, "aten::relu")) return LinearActivation::kRelu;
  if (calls(node, "aten::tanh")) return LinearActivation::kTanh;
  if (calls(node, "aten::silu")) return LinearActivation::kSilu;
  if (calls(node, "calque::activation"))
    return static_cast<LinearActivation>(constant_of(node.input(1))->toInt());
  if (!calls(node, "aten::gelu")) return std::nullopt;
  if (node.inputs.size() < 2 || is_constant_text(node.input(1), "none")) return LinearActivation::kGelu;
  if (is_constant_text(node.input(1), "tanh")) return LinearActivation::kGeluTanh;
  return std::nullopt;
}

class Fuser {
 public:
  explicit Fuser(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) { visit(node); });
  }

 private:
  void visit(Node& node) {
    if (calls(node, "aten::linear")) return linear(node);
    if (calls(node, "aten::matmul")) return product(node);
    if (const std::optional<LinearActivation> activation = activation_of(node))
      return activate(node, *activation);
    if (calls(node, "aten::add")) add_residual(node);
  }

  bool stays(const Value* value) { return !writes_.may_be_written(value); }

  void linear(Node& node) {
    if (!is_static(node.input(1)) || !(is_none(node.input(2)) || is_static(node.input(2)))) return;
    if (!stays(node.input(0)) || !stays(node.input(1)) || !stays(node.input(2)) || !stays(node.output()))
      return;
    replace_by_linear(node, node.input(1), node.input(2));
  }

  /// matmul(x, weight) with a weight of the module.
  void product(Node& node) {
    const Value* factor = node.input(1);
    if (is_static(node.input(0)) || !is_static(factor) || constant_of(factor) != nullptr) return;
    if (!stays(node.input(0)) || !stays(factor) || !stays(node.output())) return;
    Value* weight = insert_fused("calque::matmul_weight", {node.input(1)}, node)->output();
    replace_by_linear(node, weight, insert_constant(IValue(), node));
  }

  static void replace_by_linear(Node& node, Value* weight, Value* bias) {
    Value* none = insert_constant(IValue(), node);
    Value* activation = insert_constant(IValue(static_cast<int64_t>(LinearActivation::kNone)), node);
    replace(node, {node.input(0), weight, bias, activation, none, insert_constant(IValue(0), node)});
  }

  void activate(Node& node, LinearActivation activation) {
    const Node* from = producer(node.input(0), "calque::linear", node);
    if (from == nullptr || !has_one_use(node.input(0)) || !stays(node.output())) return;
    if (!is_constant_int(from->input(3), 0) || !is_none(from->input(4))) return;
    Value* number = insert_constant(IValue(static_cast<int64_t>(activation)), node);
    replace(node, {from->input(0), from->input(1), from->input(2), number, from->input(4), from->input(5)});
  }

  void add_residual(Node& node) {
    if (node.inputs.size() != 3 || !is_constant_int(node.input(2), 1) || !stays(node.output())) return;
    for (size_t side = 0; side < 2; ++side) {
      const Node* from = producer(node.input(side), "calque::linear", node);
      Value* other = node.input(1 - side);
      if (from == nullptr || !has_one_use(node.input(side)) || !is_none(from->input(4))) continue;
      if (other->type->kind() != TypeKind::Tensor || !stays(other) || constant_number(other)) continue;
      if (is_static(other) && is_none(from->input(2)) && is_constant_int(from->input(3), 0)) {
        Value* bias = insert_tuple(other, node);
        return replace(
            node, {from->input(0), from->input(1), bias, from->input(3), from->input(4), from->input(5)});
      }
      return replace(node,
                     {from->input(0), from->input(1), from->input(2), from->input(3), other, from->input(5)});
    }
  }

  /// The form of a bias that is added, whatever its shape.
  static Value* insert_tuple(Value* added, Node& place) {
    Node* node = place.graph().create("prim::TupleConstruct", {added});
    node->scope = place.scope;
    node->add_output(tuple_type({added->type}));
    node->insert_before(&place);
    return node->output();
  }

  /// Puts a fused operator in the place of `node` and of the linear before it, if that is one already.
  static void replace(Node& node, const std::vector<Value*>& inputs) {
    const std::vector<Value*> operands = node.inputs;
    replace_by_fused(node, "calque::linear", inputs);
    for (const Value* operand : operands) {
      if (!calls(*operand->node, "calque::linear") || operand->has_uses()) continue;
      operand->node->destroy();
      return;
    }
  }

  Writes writes_;
};

}  // namespace

void fuse_linear(Graph& graph) { Fuser(graph).block(graph.block()); }

}  // namespace calque::passes
