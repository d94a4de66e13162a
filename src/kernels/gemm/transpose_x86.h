// Transposition in registers for AVX2 and AVX-512 alike. The rules of simd/avx512.h hold here, and everything
// is static.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace calque::kernels {

namespace {

/// For transpose.h.
struct X86Square {
  static constexpr int64_t kSize = 8;

  [[gnu::always_inline]] static inline void transpose(const float* b, int64_t ld, float* packed,
                                                      int64_t row) {
    __m256 pairs[4];  // columns 4..7 in the upper halves
    for (int i = 0; i < 4; ++i) {
      pairs[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(b + i * ld)),
                                      _mm_loadu_ps(b + (i + 4) * ld), 1);
    }
    const __m256 low01 = _mm256_unpacklo_ps(pairs[0], pairs[1]);
    const __m256 high01 = _mm256_unpackhi_ps(pairs[0], pairs[1]);
    const __m256 low23 = _mm256_unpacklo_ps(pairs[2], pairs[3]);
    const __m256 high23 = _mm256_unpackhi_ps(pairs[2], pairs[3]);
    _mm256_storeu_ps(packed, _mm256_shuffle_ps(low01, low23, 0x44));
    _mm256_storeu_ps(packed + row, _mm256_shuffle_ps(low01, low23, 0xEE));
    _mm256_storeu_ps(packed + 2 * row, _mm256_shuffle_ps(high01, high23, 0x44));
    _mm256_storeu_ps(packed + 3 * row, _mm256_shuffle_ps(high01, high23, 0xEE));
  }
};

}  // namespace

}  // namespace calque::kernels
