#include "kernels/attention/pairs.h"
#include "kernels/gemm/transpose_neon.h"
#include "kernels/simd/neon_pairs.h"

namespace calque::kernels {

namespace {

using V = neon::F32;

struct NeonPairs {
  [[gnu::always_inline]] static inline V add(V a, V b, V sum) {
    return {vbfdotq_f32(sum.v, vreinterpretq_bf16_f32(a.v), vreinterpretq_bf16_f32(b.v))};
  }

  static void pack(int64_t n, const float* x, float* words) { pack_bf16_pairs(n, x, words); }

  [[gnu::always_inline]] static inline V beside(V first, V second) {
    const bfloat16x8_t low = vcvtq_low_bf16_f32(first.v);
    const bfloat16x8_t high = vcvtq_low_bf16_f32(second.v);
    const uint16x8_t words = vzip1q_u16(vreinterpretq_u16_bf16(low), vreinterpretq_u16_bf16(high));
    return {vreinterpretq_f32_u16(words)};
  }
};

}  // namespace

constexpr AttentionKernels kAttentionNeonBf16 = PairOps<V, NeonPairs, NeonSquare>::kernels<6, 24>();

}  // namespace calque::kernels
