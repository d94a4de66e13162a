// What losses share.
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

/// The reduction argument of a loss: 0 none, 1 mean, 2 sum, over all elements.
inline constexpr int64_t kReductionNone = 0;
inline constexpr int64_t kReductionMean = 1;
Tensor reduced_loss(const Tensor& loss, int64_t reduction);

}  // namespace calque::ops
