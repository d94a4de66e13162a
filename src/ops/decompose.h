// Matrix decompositions, in double, by textbook methods (Golub and Van Loan, Matrix Computations).
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

/// A = U diag(s) Vh for [..., m, n]; k = min(m, n) columns of U and rows of Vh; s falls. One-sided Jacobi.
struct Svd {
  Tensor u, s, vh;
};
Svd singular_value_decomposition(const Tensor& a);

}  // namespace calque::ops
