#include "kernels/simd/neon.h"
#include "kernels/gemm_words/bf16_rows.h"
#include "kernels/gemm_words/neon_bytes.h"
#include "kernels/gemm_words/split_bf16.h"
#include "kernels/gemm_words/tile.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

// Products of two signed bytes fit in 16 bits, and pairs of those are added to 32.
struct NeonInt8 {
  using V = neon::F32;
  /// Two sums for each column.
  struct Sum {
    int32x4_t low, high;
  };
  using B = int8x16_t;
  using A = int8x16_t;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  CALQUE_SIMD B load(const uint32_t* p) { return vreinterpretq_s8_u32(vld1q_u32(p)); }
  CALQUE_SIMD A broadcast(const uint32_t* p) { return vreinterpretq_s8_u32(vld1q_dup_u32(p)); }
  CALQUE_SIMD Sum add(const Sum& sum, A a, B b) {
    return {vpadalq_s16(sum.low, vmull_s8(vget_low_s8(a), vget_low_s8(b))),
            vpadalq_s16(sum.high, vmull_high_s8(a, b))};
  }
  CALQUE_SIMD V finish(const WordTile& tile, int r, int col, int count, const Sum& sum, V bias) {
    return dequantize(tile, r, col, count, neon::I32{vpaddq_s32(sum.low, sum.high)}, bias);
  }
};

// 18 sums, 3 vectors of B and one of A in two halves each, and the mask: 27 of 32 registers.
using TilesBf16 = WordTiles<SplitBf16<neon::I32>, 6, 3>;
// 24 sums, 3 vectors of B, one of A and two of products: 30 of 32 registers.
using TilesInt8 = WordTiles<NeonInt8, 4, 3>;

}  // namespace

constexpr WordKernels kBf16Neon{TilesBf16::kMr, TilesBf16::kNr, TilesBf16::kWidth, TilesBf16::run,
                                pack_bf16_row<&kConvertNeon>};
constexpr WordKernels kInt8Neon{TilesInt8::kMr, TilesInt8::kNr, TilesInt8::kWidth, TilesInt8::run,
                                pack_signed_row};

}  // namespace calque::kernels

#undef CALQUE_SIMD
