// Offsets of all elements of a view, and indices read from tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "calque/tensor.h"

namespace calque::ops {

/// Element offsets, relative to `base`, of every element of a strided view in row-major order.
std::vector<int64_t> element_offsets(IntArrayRef sizes, IntArrayRef strides, int64_t base = 0);

/// The coordinates at which `t` is not zero, [count, rank].
Tensor nonzero(const Tensor& t);

/// An index made to count from 0. IndexError "index 5 is out of bounds for dimension 0 with size 3" unless it
/// lies in
/// [-size, size).
int64_t wrap_index(int64_t index, int64_t dim, int64_t size);

}  // namespace calque::ops
