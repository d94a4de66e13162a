// Filling by a mask.
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

/// Writes `value` to the places of `self` where the bool `mask`, broadcast, is true. RuntimeError with
/// PyTorch's text for another dtype or shape of the mask.
void fill_masked(const Tensor& self, const Tensor& mask, const Scalar& value);

}  // namespace calque::ops
