// Walking a contiguous tensor along one dimension.
#pragma once

#include <cstdint>

#include "calque/tensor.h"

namespace calque::ops {

/// One line of elements along a dimension: element i at offset + i * stride.
struct Row {
  int64_t index;  ///< number of the row, counted in the order of the remaining dimensions
  int64_t offset;
  int64_t size;
  int64_t stride;
};

/// Calls f for each row of a contiguous tensor of `sizes` along `dim` (wrapped). A 0-dim tensor is one row of
/// one.
template <class F>
void for_each_row(IntArrayRef sizes, int64_t dim, F&& f) {
  // A tensor without elements has no rows; its other sizes may be too many to count.
  for (const int64_t size : sizes) {
    if (size == 0) return;
  }
  int64_t outer = 1;
  int64_t inner = 1;
  const int64_t size = sizes.empty() ? 1 : sizes[dim];
  for (int64_t d = 0; d < static_cast<int64_t>(sizes.size()); ++d) {
    if (d < dim) outer *= sizes[d];
    if (d > dim) inner *= sizes[d];
  }
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      f(Row{.index = o * inner + i, .offset = o * size * inner + i, .size = size, .stride = inner});
    }
  }
}

}  // namespace calque::ops
