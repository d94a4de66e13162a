// Softmax of tensors.
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

/// exp(x - max) / sum over `dim`. Floating dtypes; sums in float32 or wider.
Tensor softmax(const Tensor& x, int64_t dim);
Tensor log_softmax(const Tensor& x, int64_t dim);

}  // namespace calque::ops
