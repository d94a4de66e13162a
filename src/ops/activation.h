// Activation functions that several families use.
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

/// x * (1 + erf(x / sqrt(2))) / 2. Floating dtypes.
Tensor gelu(const Tensor& x);

}  // namespace calque::ops
