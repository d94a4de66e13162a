// Packing columns that are contiguous along k: a transposition, in squares that fit the registers. The rules
// of simd/avx512.h hold here, and everything is static.
//
// Square: kSize columns, and transpose(b, ld, packed, row), which writes packed[i * row + j] = b[j * ld + i]
// for i < kSquareRows, j < kSize.
#pragma once

#include <cstdint>

namespace calque::kernels {

namespace {

constexpr int64_t kSquareRows = 4;

// A square's columns at a time: more would fall into one set of the first-level cache when ld is a multiple
// of 4 KiB.
template <class Square>
void pack_square_columns(int64_t k, const float* b, int64_t ld, float* packed, int64_t row) {
  int64_t i = 0;
  for (; i + kSquareRows <= k; i += kSquareRows) Square::transpose(b + i, ld, packed + i * row, row);
  for (; i < k; ++i) {
    for (int64_t j = 0; j < Square::kSize; ++j) packed[i * row + j] = b[j * ld + i];
  }
}

template <class T>
void pack_column(int64_t k, const T* b, T* packed, int64_t row) {
  for (int64_t i = 0; i < k; ++i) packed[i * row] = b[i];
}

template <class T>
void pack_zeros(int64_t k, int64_t from, T* packed, int64_t row) {
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = from; j < row; ++j) packed[i * row + j] = 0;
  }
}

template <class Square>
void pack_transposed_f32(int64_t k, int cols, const float* b, int64_t ld, float* packed, int64_t row) {
  int64_t j = 0;
  for (; j + Square::kSize <= cols; j += Square::kSize) {
    pack_square_columns<Square>(k, b + j * ld, ld, packed + j, row);
  }
  for (; j < cols; ++j) pack_column(k, b + j * ld, packed + j, row);
  pack_zeros(k, cols, packed, row);
}

inline void pack_transposed_f64(int64_t k, int cols, const double* b, int64_t ld, double* packed,
                                int64_t row) {
  for (int64_t j = 0; j < cols; ++j) pack_column(k, b + j * ld, packed + j, row);
  pack_zeros(k, cols, packed, row);
}

}  // namespace

}  // namespace calque::kernels
