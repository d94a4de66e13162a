#include "nn/layers.h"

#include "nn/functional.h"

namespace calque::nn {
namespace {

constexpr Init kNormal{Init::Kind::kNormal};
constexpr Init kZeros{Init::Kind::kZeros};
constexpr Init kOnes{Init::Kind::kOnes};

}  // namespace

Linear::Linear(int64_t in_features, int64_t out_features, bool bias)
    : Module("torch.nn.modules.linear.Linear"),
      weight_(register_parameter("weight", {out_features, in_features}, kNormal)) {
  if (bias) bias_ = register_parameter("bias", {out_features}, kZeros);
}

Linear::Linear(ParameterPtr weight, ParameterPtr bias)
    : Module("torch.nn.modules.linear.Linear"), weight_(std::move(weight)), bias_(std::move(bias)) {
  register_parameter("weight", weight_);
  if (bias_) register_parameter("bias", bias_);
}

Tensor Linear::forward(const Tensor& input) const {
  return linear(input, weight_->value, bias_ ? std::optional(bias_->value) : std::nullopt);
}

LayerNorm::LayerNorm(int64_t size, double eps)
    : Module("torch.nn.modules.normalization.LayerNorm"),
      eps_(eps),
      weight_(register_parameter("weight", {size}, kOnes)),
      bias_(register_parameter("bias", {size}, kZeros)) {}

Tensor LayerNorm::forward(const Tensor& input) const {
  return layer_norm(input, {weight_->shape[0]}, weight_->value, bias_->value, eps_);
}

Embedding::Embedding(int64_t num_embeddings, int64_t embedding_dim, int64_t padding_idx)
    : Module("torch.nn.modules.sparse.Embedding"),
      padding_idx_(padding_idx),
      weight_(register_parameter("weight", {num_embeddings, embedding_dim},
                                 {Init::Kind::kNormal, padding_idx})) {}

Tensor Embedding::forward(const Tensor& indices) const {
  return embedding(weight_->value, indices, padding_idx_);
}

Dropout::Dropout(double p) : Module("torch.nn.modules.dropout.Dropout"), p_(p) {}

Tensor Dropout::forward(const Tensor& input) const { return dropout(input, p_, training()); }

}  // namespace calque::nn
