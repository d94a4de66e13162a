// Copying blocks of A and B into the order in which the kernels read them.
#pragma once

#include <cstdint>

#include "kernels/gemm/driver.h"

namespace calque::kernels {

/// A rectangle of an operand: element [i, j] is at data + i * row + j * col, in elements of the storage.
struct BlockView {
  const char* data;
  int64_t row;
  int64_t col;
};

inline constexpr int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline constexpr int64_t round_up(int64_t a, int64_t b) { return div_up(a, b) * b; }

template <class T>
int64_t element_size(Storage storage) {
  return storage == Storage::kNative ? static_cast<int64_t>(sizeof(T)) : 2;
}

/// rows x depth of A; rows of `packed` are kPackedRow apart.
template <class T>
void pack_a_block(const GemmProblem<T>& problem, BlockView a, int64_t rows, int64_t depth, T* packed);

/// depth x cols of B; rows of `packed` are `width` >= cols long, filled up with zeros.
template <class T>
void pack_b_block(const GemmProblem<T>& problem, BlockView b, int64_t depth, int cols, int64_t width,
                  T* packed);

/// One row of C, or bias, to and from the type that is computed in; elements contiguous.
void load_row(const GemmProblem<float>& problem, int64_t n, const void* from, float* to);
void store_row(const GemmProblem<float>& problem, int64_t n, const float* from, void* to);
void load_row(const GemmProblem<double>& problem, int64_t n, const void* from, double* to);
void store_row(const GemmProblem<double>& problem, int64_t n, const double* from, void* to);

}  // namespace calque::kernels
