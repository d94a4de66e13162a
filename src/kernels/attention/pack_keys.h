// Packing keys: a transposition in squares (gemm/transpose.h). The rules of simd/avx512.h hold here, and
// everything is static.
#pragma once

#include <cstdint>

#include "kernels/gemm/transpose.h"

namespace calque::kernels {

namespace {

// Four bytes here and there in rows that lie far apart: the processor foresees none of it.
constexpr int64_t kPrefetchedKeys = 32;

// To the second-level cache.
[[gnu::always_inline]] inline void prefetch_keys(const float* k) { __builtin_prefetch(k, 0, 2); }

template <class Square>
void pack_keys(int64_t depth, int64_t keys, const float* k, int64_t ld, float* packed, int64_t row) {
  int64_t j = 0;
  for (; j + Square::kSize <= keys; j += Square::kSize) {
    const float* const from = k + j * ld;
    int64_t i = 0;
    for (; i + kSquareRows <= depth; i += kSquareRows) {
      const float* const ahead = from + (kPrefetchedKeys + i % 16 * Square::kSize / 16) * ld + i;
      for (int64_t t = 0; t < Square::kSize / kSquareRows; ++t) prefetch_keys(ahead + t * ld);
      Square::transpose(from + i, ld, packed + i * row + j, row);
    }
    for (; i < depth; ++i) {
      for (int64_t t = 0; t < Square::kSize; ++t) packed[i * row + j + t] = from[t * ld + i];
    }
  }
  for (; j < keys; ++j) pack_column(depth, k + j * ld, packed + j, row);
}

}  // namespace

}  // namespace calque::kernels
