#include "kernels/gemm_words/tile.h"
#include "kernels/simd/neon_pairs.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct BfdotDot {
  using V = neon::F32;
  using Sum = V;
  using B = bfloat16x8_t;
  using A = bfloat16x8_t;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return V::zero(); }
  CALQUE_SIMD B load(const uint32_t* p) { return vreinterpretq_bf16_u32(vld1q_u32(p)); }
  CALQUE_SIMD A broadcast(const uint32_t* p) { return vreinterpretq_bf16_u32(vld1q_dup_u32(p)); }
  CALQUE_SIMD Sum add(Sum sum, A a, B b) { return {vbfdotq_f32(sum.v, a, b)}; }
  CALQUE_SIMD V finish(const WordTile&, int, int, int, Sum sum, V bias) { return V::add(sum, bias); }
};

RowQuantization pack_bf16_row(int64_t k, const float* x, const float*, uint32_t* words) {
  pack_bf16_pairs(k, x, words);
  return {};
}

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers.
using TilesBf16 = WordTiles<BfdotDot, 8, 3>;

}  // namespace

constexpr WordKernels kBf16NeonBf16{TilesBf16::kMr, TilesBf16::kNr, TilesBf16::kWidth, TilesBf16::run,
                                    pack_bf16_row};

}  // namespace calque::kernels

#undef CALQUE_SIMD
