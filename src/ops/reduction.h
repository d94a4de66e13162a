// The frame of reductions: kept dimensions in front, reduced ones as contiguous rows.
#pragma once

#include <vector>

#include "ops/support.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

/// x with the dimensions of `reduced` moved behind the others, contiguous: `rows` rows of `n` elements.
struct ReductionInput {
  Tensor data;
  int64_t rows;
  int64_t n;
};

inline ReductionInput reduction_input(const Tensor& x, const std::vector<bool>& reduced) {
  Dims order;
  for (const bool wanted : {false, true}) {
    for (int64_t d = 0; d < x.dim(); ++d) {
      if (reduced[d] == wanted) order.push_back(d);
    }
  }
  Dims row_sizes;
  Dims sizes;
  for (int64_t d = 0; d < x.dim(); ++d) (reduced[d] ? sizes : row_sizes).push_back(x.sizes()[d]);
  return {.data = x.permute(order).contiguous(),
          .rows = wrapping_product(row_sizes),
          .n = wrapping_product(sizes)};
}

/// Where a reduction happens: which dimensions, and whether they stay as 1.
struct ReductionDims {
  std::vector<bool> mask;
  bool keepdim = false;
  Dims result_sizes(const Tensor& x) const { return reduced_sizes(x.sizes(), mask, keepdim); }
};

/// out[row] = f(first element of the row, n), stored as R; T is the element of x.
template <class R, class T, class F>
void reduce_rows(const Tensor& out, const ReductionInput& in, F f) {
  R* r = elements<R>(out);
  for (int64_t row = 0; row < in.rows; ++row) r[row] = f(elements<T>(in.data) + row * in.n, in.n);
}

/// The dims argument of a reduction: None or [] is all dimensions.
inline ReductionDims reduction_dims(const IValue& dims, int64_t rank, bool keepdim) {
  return {.mask = dim_mask(ints_or_empty(dims), rank), .keepdim = keepdim};
}
inline ReductionDims one_dim(int64_t dim, int64_t rank, bool keepdim) {
  return {.mask = dim_mask(Dims{dim}, rank), .keepdim = keepdim};
}

}  // namespace calque::ops
