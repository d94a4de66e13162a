// Complex tensors, as results of Fourier transforms: views of their parts, and magnitudes.
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

/// A view of complex64 or complex128 as pairs in a last dimension. RuntimeError for other dtypes.
Tensor view_as_real(const Tensor& x);

/// |x| of complex numbers.
Tensor magnitude(const Tensor& x);

}  // namespace calque::ops
