// What products of bytes with and without VNNI share. The rules of simd/avx512.h hold here.
#pragma once

#include "kernels/gemm_words/byte_rows.h"
#include "kernels/gemm_words/dequantize.h"
#include "kernels/gemm_words/word_kernels.h"
#include "kernels/simd/avx512.h"

namespace calque::kernels {

namespace {

struct Avx512Bytes {
  using V = avx512::F32;

  /// Packing to 16 and to 8 bits saturates.
  [[gnu::always_inline]] static inline void store(uint8_t* p, const V (&x)[4], V inverse,
                                                  int32_t zero_point) {
    const __m512i zero = _mm512_set1_epi32(zero_point);
    __m512i q[4];
    for (int i = 0; i < 4; ++i) {
      q[i] = _mm512_add_epi32(_mm512_cvtps_epi32(V::mul(x[i], inverse).v), zero);
    }
    const __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(q[0], q[1]), _mm512_packs_epi32(q[2], q[3]));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, bytes));
  }
};

}  // namespace

}  // namespace calque::kernels
