// Sizes and strides: wrapping of dimensions, checked products, reshaping, layouts, overlap.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "calque/tensor.h"

namespace calque {

/// Dimension with negative ones counted from the end. IndexError with PyTorch's "Dimension out of range".
/// With `scalar_as_vector` a rank of 0 accepts -1 and 0.
int64_t wrap_dim(int64_t dim, int64_t rank, bool scalar_as_vector = true);

/// Product of sizes that are known to be those of a tensor. Beside a size of 0 the others may overflow; the
/// product is 0 then.
inline int64_t wrapping_product(IntArrayRef sizes) {
  uint64_t out = 1;
  for (const int64_t size : sizes) out *= static_cast<uint64_t>(size);
  return static_cast<int64_t>(out);
}

/// Number of elements. RuntimeError with PyTorch's text for negative sizes and for products that overflow.
int64_t checked_size(IntArrayRef sizes, ScalarType dtype);

/// Fills in one -1 and checks the count, as view and reshape do it. RuntimeError with PyTorch's text.
Dims infer_sizes(IntArrayRef shape, int64_t numel);

/// Strides of a view of other sizes; nullopt when it needs a copy.
std::optional<Dims> view_strides(IntArrayRef sizes, IntArrayRef strides, IntArrayRef new_sizes);

bool is_contiguous(IntArrayRef sizes, IntArrayRef strides);

/// True when the elements fill one interval, each place once ("non-overlapping and dense").
bool is_dense(IntArrayRef sizes, IntArrayRef strides);

/// The strides of `t` when broadcast to `sizes` (a shape that t's broadcasts to).
Dims broadcast_strides(const Tensor& t, IntArrayRef sizes);

/// Strides of the new result of an element-wise operator, which follow the operands' memory order as
/// PyTorch's TensorIterator has it. `sizes` is the broadcast shape.
Dims elementwise_strides(IntArrayRef sizes, std::span<const Tensor> operands);

/// First and one-past-last element offset that a view reaches; {0, 0} when it is empty, nullopt when it does
/// not fit or a stride is negative.
std::optional<std::pair<int64_t, int64_t>> reach(int64_t offset, IntArrayRef sizes, IntArrayRef strides);

/// A view of `base`'s storage with its dtype; InternalError when it would leave the storage.
Tensor make_view(const Tensor& base, Dims sizes, Dims strides, int64_t offset);

/// Uninitialised tensor with given strides (dense ones).
Tensor empty_strided(IntArrayRef sizes, IntArrayRef strides, ScalarType dtype);

/// Uninitialised tensor in the layout that clone() gives.
Tensor empty_like(const Tensor& t, ScalarType dtype);

/// RuntimeError with PyTorch's text when several elements of the written tensor share one place.
void check_no_internal_overlap(const Tensor& written);
/// RuntimeError with PyTorch's text when `written` and `read` overlap without being the same view.
void check_no_partial_overlap(const Tensor& written, const Tensor& read);
/// Do the two reach a common interval of one storage?
bool may_overlap(const Tensor& a, const Tensor& b);

}  // namespace calque
