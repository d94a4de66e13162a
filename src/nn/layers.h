// The layers that architectures share, with torch.nn's names and parameters.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace calque::nn {

/// x W^T + b. Parameters: weight (out_features, in_features), bias (out_features).
class Linear final : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, bool bias = true);
  /// With parameters that other modules hold as well (tied weights).
  Linear(ParameterPtr weight, ParameterPtr bias);
  Tensor forward(const Tensor& input) const;

 private:
  ParameterPtr weight_, bias_;
};

/// Parameters: weight, bias of shape (size).
class LayerNorm final : public Module {
 public:
  LayerNorm(int64_t size, double eps);
  Tensor forward(const Tensor& input) const;

 private:
  double eps_;
  ParameterPtr weight_, bias_;
};

/// Rows of weight (num_embeddings, embedding_dim) by index. The row `padding_idx` (-1: none) is initialised
/// to zero.
class Embedding final : public Module {
 public:
  Embedding(int64_t num_embeddings, int64_t embedding_dim, int64_t padding_idx = -1);
  Tensor forward(const Tensor& indices) const;
  const ParameterPtr& weight() const { return weight_; }

 private:
  int64_t padding_idx_;
  ParameterPtr weight_;
};

class Dropout final : public Module {
 public:
  explicit Dropout(double p);
  Tensor forward(const Tensor& input) const;

 private:
  double p_;
};

/// Modules named "0", "1", …
class ModuleList final : public Module {
 public:
  ModuleList() : Module("torch.nn.modules.container.ModuleList") {}
  template <class M, class... Args>
  M* append(Args&&... args) {
    return register_module<M>(std::to_string(children().size()), std::forward<Args>(args)...);
  }
};

}  // namespace calque::nn
