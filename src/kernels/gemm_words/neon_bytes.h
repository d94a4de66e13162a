// What products of bytes with and without the dot product share. Bytes of A are signed: q - 128. The rules of
// simd/avx512.h hold here.
#pragma once

#include "kernels/gemm_words/byte_rows.h"
#include "kernels/gemm_words/dequantize.h"
#include "kernels/gemm_words/word_kernels.h"
#include "kernels/simd/neon.h"

namespace calque::kernels {

namespace {

struct NeonBytes {
  using V = neon::F32;

  /// Narrowing to 16 and to 8 bits saturates.
  [[gnu::always_inline]] static inline void store(uint8_t* p, const V (&x)[4], V inverse,
                                                  int32_t zero_point) {
    const int32x4_t zero = vdupq_n_s32(zero_point);
    int16x4_t q[4];
    for (int i = 0; i < 4; ++i) {
      q[i] = vqmovn_s32(vaddq_s32(vcvtnq_s32_f32(V::mul(x[i], inverse).v), zero));
    }
    const uint8x8_t low = vqmovun_s16(vcombine_s16(q[0], q[1]));
    const uint8x8_t high = vqmovun_s16(vcombine_s16(q[2], q[3]));
    vst1q_u8(p, veorq_u8(vcombine_u8(low, high), vdupq_n_u8(128)));
  }
};

/// WordKernels::pack_row.
inline RowQuantization pack_signed_row(int64_t k, const float* x, const float* factors, uint32_t* words) {
  RowQuantization row = ByteRows<neon::F32, NeonBytes>::pack(k, x, factors, words);
  row.zero_point -= 128;
  return row;
}

}  // namespace

}  // namespace calque::kernels
