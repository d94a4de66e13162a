// linear on a weight that plain operators dequantise, as quantised archives hold it: one operator on the
// integers.
//
//   8 bits, input too   linear(x * factors, values.to(float) * scale, bias)
//   8 bits              linear(x, values.to(float) * scale, bias)
//   4 bits              linear(x, (digits.to(float) * scale.to(float) + least.to(float)).view(n, k), bias),
//   where
//                       digits = stack([values & 15, values >> 4], -1).view(n, k / 32, 32)
//   bfloat16            linear(x, values.to(float), bias)
#include <optional>

#include "ops/operator.h"
#include "ops/quantized_weight.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/store_quantized.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

using ops::QuantizedWeight;

std::optional<Tensor> constant_tensor(const Value* value) {
  const IValue* constant = constant_of(value);
  if (constant == nullptr || !constant->isTensor() || !constant->toTensor().defined()) return std::nullopt;
  return constant->toTensor();
}

/// The constant tensor that is converted to float32.
std::optional<Tensor> converted(const Value* value) {
  const Node& node = *value->node;
  const bool is_float =
      calls(node, "aten::to") && is_constant_int(node.input(1), static_cast<int64_t>(kFloat));
  return is_float ? constant_tensor(node.input(0)) : std::nullopt;
}

/// `values` when the list holds its lower and its upper halves.
std::optional<Tensor> halves(const Node& list) {
  if (!list.is("prim::ListConstruct") || list.inputs.size() != 2) return std::nullopt;
  const Node &low = *list.input(0)->node, &high = *list.input(1)->node;
  if (!calls(low, "aten::bitwise_and") || !is_constant_int(low.input(1), 15)) return std::nullopt;
  if (!calls(high, "aten::bitwise_right_shift") || !is_constant_int(high.input(1), 4)) return std::nullopt;
  const std::optional<Tensor> a = constant_tensor(low.input(0)), b = constant_tensor(high.input(0));
  return a && b && a->storage() == b->storage() && a->storage_offset() == b->storage_offset() ? a
                                                                                              : std::nullopt;
}

bool is_list_of(const Value* value, const std::vector<int64_t>& wanted) {
  if (is_constant_ints(value, wanted)) return true;
  const Node& list = *value->node;
  if (!list.is("prim::ListConstruct") || list.inputs.size() != wanted.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!is_constant_int(list.input(i), wanted[i])) return false;
  }
  return true;
}

/// digits.to(float): `values`.
std::optional<Tensor> digits(const Value* value) {
  const Node& to = *value->node;
  if (!calls(to, "aten::to") || !is_constant_int(to.input(1), static_cast<int64_t>(kFloat)))
    return std::nullopt;
  const Node& view = *to.input(0)->node;
  if (!calls(view, "aten::view")) return std::nullopt;
  const Node& stack = *view.input(0)->node;
  if (!calls(stack, "aten::stack") || !is_constant_int(stack.input(1), -1)) return std::nullopt;
  const std::optional<Tensor> values = halves(*stack.input(0)->node);
  if (!values || values->dim() != 2) return std::nullopt;
  const int64_t groups = 2 * values->size(1) / ops::kInt4GroupSize;
  return is_list_of(view.input(1), {values->size(0), groups, ops::kInt4GroupSize}) ? values : std::nullopt;
}

std::optional<QuantizedWeight> four_bits(const Node& view) {
  const Node& add = *view.input(0)->node;
  if (!calls(add, "aten::add") || !is_constant_int(add.input(2), 1)) return std::nullopt;
  const Node& mul = *add.input(0)->node;
  if (!calls(mul, "aten::mul")) return std::nullopt;
  const std::optional<Tensor> values = digits(mul.input(0));
  const std::optional<Tensor> scale = converted(mul.input(1)), least = converted(add.input(1));
  if (!values || !scale || !least) return std::nullopt;
  QuantizedWeight weight{.values = *values, .scale = scale, .least = least};
  return is_list_of(view.input(1), {weight.rows(), weight.depth()}) ? std::optional(weight) : std::nullopt;
}

}  // namespace

std::optional<QuantizedWeight> stored_weight(const Value* value) {
  const Node& node = *value->node;
  if (calls(node, "aten::view")) return four_bits(node);
  if (calls(node, "aten::mul")) {
    const std::optional<Tensor> values = converted(node.input(0)), scale = constant_tensor(node.input(1));
    return values && scale ? std::optional(QuantizedWeight{.values = *values, .scale = scale}) : std::nullopt;
  }
  const std::optional<Tensor> values = converted(value);
  return values ? std::optional(QuantizedWeight{.values = *values}) : std::nullopt;
}

namespace {

class Fuser {
 public:
  explicit Fuser(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) {
      if (calls(node, "aten::linear")) visit(node);
    });
  }

 private:
  bool stays(const Value* value) { return !writes_.may_be_written(value); }

  void visit(Node& node) {
    std::optional<QuantizedWeight> weight = stored_weight(node.input(1));
    if (!weight || !(is_none(node.input(2)) || is_static(node.input(2)))) return;
    Value* input = node.input(0);
    const Node& mul = *input->node;
    const std::optional<Tensor> factors =
        calls(mul, "aten::mul") ? constant_tensor(mul.input(1)) : std::nullopt;
    if (factors && weight->values.dtype() == kChar && factors->dim() == 1) {
      weight->factors = factors;
      input = mul.input(0);
    }
    if (!is_well_formed(*weight) || !stays(input) || !stays(node.input(1)) || !stays(node.input(2)) ||
        !stays(node.output()))
      return;
    replace(node, input, *weight);
  }

  static void replace(Node& node, Value* input, const QuantizedWeight& weight) {
    Value* none = insert_constant(IValue(), node);
    Value* activation = insert_constant(IValue(static_cast<int64_t>(ops::LinearActivation::kNone)), node);
    Value* arithmetic = insert_constant(IValue(static_cast<int64_t>(weight.arithmetic())), node);
    replace_by_fused(
        node, "calque::linear",
        {input, insert_constant(ops::to_value(weight), node), node.input(2), activation, none, arithmetic});
  }

  Writes writes_;
};

}  // namespace

int64_t count_quantized_linears(Graph& graph) {
  int64_t count = 0;
  for_each_node(graph.block(), [&](Node& node) {
    if (calls(node, "aten::linear") ? stored_weight(node.input(1)).has_value()
                                    : node.kind.starts_with("quantized::linear"))
      ++count;
  });
  return count;
}

void fuse_quantized(Graph& graph) { Fuser(graph).block(graph.block()); }

}  // namespace calque::passes
