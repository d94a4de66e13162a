// What happens to a finished part of C while it is still in the cache.
#pragma once

#include <cstdint>

#include "kernels/gemm/driver.h"

namespace calque::kernels {

struct EpilogueRange {
  int64_t row;  // of the problem
  int64_t rows;
  int64_t first_col;
  int cols;
};

/// c = activation(c) + residual over the range; `c` points at its first element.
template <class T>
void apply_epilogue(const GemmProblem<T>& problem, const EpilogueRange& range, T* c);

}  // namespace calque::kernels
