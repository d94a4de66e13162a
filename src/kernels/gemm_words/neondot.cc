#include "kernels/gemm_words/neon_bytes.h"
#include "kernels/gemm_words/tile.h"
#include "kernels/simd/neon.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct SdotDot {
  using V = neon::F32;
  using Sum = int32x4_t;
  using B = int8x16_t;
  using A = int8x16_t;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return vdupq_n_s32(0); }
  CALQUE_SIMD B load(const uint32_t* p) { return vreinterpretq_s8_u32(vld1q_u32(p)); }
  CALQUE_SIMD A broadcast(const uint32_t* p) { return vreinterpretq_s8_u32(vld1q_dup_u32(p)); }
  CALQUE_SIMD Sum add(Sum sum, A a, B b) { return vdotq_s32(sum, a, b); }
  CALQUE_SIMD V finish(const WordTile& tile, int r, int col, int count, Sum sum, V bias) {
    return dequantize(tile, r, col, count, neon::I32{sum}, bias);
  }
};

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers.
using TilesInt8 = WordTiles<SdotDot, 8, 3>;

}  // namespace

constexpr WordKernels kInt8NeonDot{TilesInt8::kMr, TilesInt8::kNr, TilesInt8::kWidth, TilesInt8::run,
                                   pack_signed_row};

}  // namespace calque::kernels

#undef CALQUE_SIMD
