// Joining tensors.
#pragma once

#include <span>

#include "calque/tensor.h"

namespace calque::ops {

Tensor concatenate(std::span<const Tensor> tensors, int64_t dim);
Tensor stack(std::span<const Tensor> tensors, int64_t dim);

}  // namespace calque::ops
