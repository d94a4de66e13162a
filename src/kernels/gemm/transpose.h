// Packing columns that are contiguous along k: a transposition, in squares that fit the registers. For AVX2
// and AVX-512 alike; the rules of simd/avx512.h hold here, and everything is static.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace calque::kernels {

namespace {

constexpr int kSquare = 8;

// Eight rows of four from b, ld apart, rows 4..7 in the upper halves, transposed: out[i] holds element i of
// all rows.
[[gnu::always_inline]] inline void transpose_half(const float* b, int64_t ld, __m256 (&out)[4]) {
  __m256 pairs[4];
  for (int i = 0; i < 4; ++i) {
    pairs[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(b + i * ld)),
                                    _mm_loadu_ps(b + (i + 4) * ld), 1);
  }
  const __m256 low01 = _mm256_unpacklo_ps(pairs[0], pairs[1]);
  const __m256 high01 = _mm256_unpackhi_ps(pairs[0], pairs[1]);
  const __m256 low23 = _mm256_unpacklo_ps(pairs[2], pairs[3]);
  const __m256 high23 = _mm256_unpackhi_ps(pairs[2], pairs[3]);
  out[0] = _mm256_shuffle_ps(low01, low23, 0x44);
  out[1] = _mm256_shuffle_ps(low01, low23, 0xEE);
  out[2] = _mm256_shuffle_ps(high01, high23, 0x44);
  out[3] = _mm256_shuffle_ps(high01, high23, 0xEE);
}

// Eight columns at a time: more would fall into one set of the first-level cache when ld is a multiple of 4
// KiB.
inline void pack_square_columns(int64_t k, const float* b, int64_t ld, float* packed, int64_t row) {
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
    __m256 rows[4];
    transpose_half(b + i, ld, rows);
    for (int t = 0; t < 4; ++t) _mm256_storeu_ps(packed + (i + t) * row, rows[t]);
  }
  for (; i < k; ++i) {
    for (int64_t j = 0; j < kSquare; ++j) packed[i * row + j] = b[j * ld + i];
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

inline void pack_transposed_f32(int64_t k, int cols, const float* b, int64_t ld, float* packed, int64_t row) {
  int64_t j = 0;
  for (; j + kSquare <= cols; j += kSquare) pack_square_columns(k, b + j * ld, ld, packed + j, row);
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
