// Layer normalisation of tensors.
#pragma once

#include <optional>

#include "calque/tensor.h"

namespace calque::ops {

/// (x - mean) / sqrt(variance + eps) * weight + bias over the last dimensions, which are `shape`.
Tensor layer_norm(const Tensor& x, const Dims& shape, const std::optional<Tensor>& weight,
                  const std::optional<Tensor>& bias, double eps);

/// The same into `out`, which has x's shape and dtype and is contiguous.
void layer_norm_into(const Tensor& out, const Tensor& x, const Dims& shape,
                     const std::optional<Tensor>& weight, const std::optional<Tensor>& bias, double eps);

}  // namespace calque::ops
