// Packing keys: a transposition in squares. For AVX2 and AVX-512 alike; the rules of simd/avx512.h hold here,
// and everything is static.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/gemm/transpose.h"

namespace calque::kernels {

namespace {

// Four bytes here and there in rows that lie far apart: the processor foresees none of it.
constexpr int64_t kPrefetchedKeys = 32;

inline void pack_keys(int64_t depth, int64_t keys, const float* k, int64_t ld, float* packed, int64_t row) {
  int64_t j = 0;
  for (; j + kSquare <= keys; j += kSquare) {
    const float* const from = k + j * ld;
    int64_t i = 0;
    for (; i + 4 <= depth; i += 4) {
      const float* const ahead = from + (kPrefetchedKeys + i % 16 / 2) * ld + i;
      _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
      _mm_prefetch(reinterpret_cast<const char*>(ahead + ld), _MM_HINT_T1);
      __m256 columns[4];
      transpose_half(from + i, ld, columns);
      for (int t = 0; t < 4; ++t) _mm256_storeu_ps(packed + (i + t) * row + j, columns[t]);
    }
    for (; i < depth; ++i) {
      for (int64_t t = 0; t < kSquare; ++t) packed[i * row + j + t] = from[t * ld + i];
    }
  }
  for (; j < keys; ++j) pack_column(depth, k + j * ld, packed + j, row);
}

}  // namespace

}  // namespace calque::kernels
