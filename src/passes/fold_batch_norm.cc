// A batch norm behind a convolution scales and shifts its outputs: the weights can do that.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "calque/error.h"
#include "ops/operator.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

/// Channels of the folded weights are in dim 0, which is so for every convolution that is not transposed.
constexpr std::array<std::string_view, 4> kConvolutions = {"aten::conv1d", "aten::conv2d", "aten::conv3d",
                                                           "aten::_convolution"};

const IValue* constant(const Value* value) {
  return value->node->is("prim::Constant") ? &value->node->value : nullptr;
}

std::optional<Tensor> constant_tensor(const Value* value) {
  const IValue* found = constant(value);
  if (found == nullptr || !found->isTensor() || !found->toTensor().defined()) return std::nullopt;
  return found->toTensor();
}

bool is_none_or_tensor(const Value* value) {
  return constant(value) != nullptr && (constant(value)->isNone() || constant_tensor(value).has_value());
}

/// Only the norm reads the values; others may read the shape, which folding leaves.
bool has_one_reader(const Value& value) {
  const auto readers = std::count_if(value.uses.begin(), value.uses.end(), [](const Value::Use& use) {
    return !use.user->is("aten::dim") && !use.user->is("aten::size");
  });
  return readers == 1;
}

bool is_convolution(const Node& node) {
  if (node.op == nullptr || node.outputs.size() != 1 || !has_one_reader(*node.output())) return false;
  const std::string& name = node.op->name();
  if (std::find(kConvolutions.begin(), kConvolutions.end(), name) == kConvolutions.end()) return false;
  if (name == "aten::_convolution") {
    const IValue* transposed = constant(node.input(6));
    if (transposed == nullptr || !transposed->isBool() || transposed->toBool()) return false;
  }
  const std::optional<Tensor> weight = constant_tensor(node.input(1));
  return weight.has_value() && weight->dtype() == kFloat32 && weight->dim() > 1 &&
         is_none_or_tensor(node.input(2));
}

bool is_foldable_norm(const Node& node) {
  if (node.op == nullptr || node.op->name() != "aten::batch_norm") return false;
  const IValue* training = constant(node.input(5));
  const IValue* epsilon = constant(node.input(7));
  return training != nullptr && training->isBool() && !training->toBool() && epsilon != nullptr &&
         epsilon->isDouble() && is_none_or_tensor(node.input(1)) && is_none_or_tensor(node.input(2)) &&
         constant_tensor(node.input(3)).has_value() && constant_tensor(node.input(4)).has_value() &&
         is_convolution(*node.input()->node);
}

/// One number for each channel, or nullopt when the tensor has another shape or dtype.
std::optional<std::vector<double>> channels(const Value* value, int64_t count, double fallback) {
  const std::optional<Tensor> tensor = constant_tensor(value);
  if (!tensor.has_value()) return std::vector<double>(static_cast<size_t>(count), fallback);
  if (tensor->dim() != 1 || tensor->size(0) != count || tensor->dtype() != kFloat32) return std::nullopt;
  const Tensor contiguous = tensor->contiguous();
  const float* data = contiguous.data_ptr<float>();
  return std::vector<double>(data, data + count);
}

Value* new_constant(Node& before, const Tensor& tensor, const Value& like) {
  Node* node = before.graph().create_constant(tensor);
  node->scope = before.scope;
  node->output()->hint = like.hint;
  node->insert_before(&before);
  return node->output();
}

bool fold(Node& norm) {
  Node& convolution = *norm.input()->node;
  const Tensor weight = constant_tensor(convolution.input(1))->contiguous();
  const int64_t count = weight.size(0);
  const auto scale = channels(norm.input(1), count, 1);
  const auto shift = channels(norm.input(2), count, 0);
  const auto mean = channels(norm.input(3), count, 0);
  const auto variance = channels(norm.input(4), count, 1);
  const auto bias = channels(convolution.input(2), count, 0);
  if (!scale || !shift || !mean || !variance || !bias) return false;
  const double epsilon = constant(norm.input(7))->toDouble();

  const Tensor new_weight = empty(weight.sizes(), kFloat32);
  const Tensor new_bias = empty({count}, kFloat32);
  const int64_t row = count == 0 ? 0 : weight.numel() / count;
  for (int64_t c = 0; c < count; ++c) {
    const auto i = static_cast<size_t>(c);
    const double factor = (*scale)[i] / std::sqrt((*variance)[i] + epsilon);
    for (int64_t k = c * row; k < (c + 1) * row; ++k)
      new_weight.data_ptr<float>()[k] = static_cast<float>(weight.data_ptr<float>()[k] * factor);
    new_bias.data_ptr<float>()[c] = static_cast<float>(((*bias)[i] - (*mean)[i]) * factor + (*shift)[i]);
  }
  convolution.replace_input(1, new_constant(convolution, new_weight, *convolution.input(1)));
  convolution.replace_input(2, new_constant(convolution, new_bias, *norm.input(2)));
  norm.output()->replace_all_uses_with(convolution.output());
  norm.destroy();
  return true;
}

bool fold_in(Block& block) {
  bool changed = false;
  for (Node* node = block.first(); node != block.return_node();) {
    Node* following = node->next;
    for (auto& inner : node->blocks) changed |= fold_in(*inner);
    if (is_foldable_norm(*node)) changed |= fold(*node);
    node = following;
  }
  return changed;
}

}  // namespace

bool fold_batch_norm(Graph& graph) { return fold_in(graph.block()); }

}  // namespace calque::passes
