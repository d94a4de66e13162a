// Reductions that several families use.
#pragma once

#include "calque/tensor.h"
#include "ops/reduction.h"

namespace calque::ops {

/// Sum in dtype `dtype`; integers wrap, floats are summed in double.
Tensor sum(const Tensor& x, const ReductionDims& dims, ScalarType dtype);

}  // namespace calque::ops
