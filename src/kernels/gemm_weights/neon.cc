#include "kernels/simd/neon.h"
#include "kernels/gemm_weights/float_rows.h"
#include "kernels/gemm_weights/int4_loop.h"
#include "kernels/gemm_weights/unpack_loop.h"
#include "kernels/gemm_words/tile.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct NeonWeights {
  using V = neon::F32;
  using Sum = V;
  using A = V;
  using B = V;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth / 4;

  CALQUE_SIMD Sum zero() { return V::zero(); }
  CALQUE_SIMD A broadcast(const uint32_t* p) { return {vreinterpretq_f32_u32(vld1q_dup_u32(p))}; }
  CALQUE_SIMD B load(const uint32_t* p) {
    const int16x8_t halves = vmovl_s8(vreinterpret_s8_u32(vld1_dup_u32(p)));
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(halves)))};
  }
  CALQUE_SIMD Sum add(Sum sum, A a, B b) { return V::fma(a, b, sum); }
  CALQUE_SIMD V finish(const WordTile& tile, int, int col, int count, Sum sum, V bias) {
    return V::fma(sum, V::load_first(tile.col_scales + col, count), bias);
  }
};

struct NeonDigits : NeonWeights {
  using Words = uint32x4_t;

  CALQUE_SIMD Words load(const uint32_t* p) { return vld1q_u32(p); }
  CALQUE_SIMD V low_half(Words x) { return {vreinterpretq_f32_u32(vshlq_n_u32(x, 16))}; }
  CALQUE_SIMD V high_half(Words x) { return {vreinterpretq_f32_u32(vandq_u32(x, vdupq_n_u32(0xFFFF0000)))}; }
  CALQUE_SIMD V digit(Words x, int t) { return {vcvtq_f32_u32(x >> (4 * t) & vdupq_n_u32(15))}; }
  CALQUE_SIMD V finish(const WordTile&, int, int, int, Sum sum, V bias) { return V::add(sum, bias); }
};

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers.
using TilesInt8Weights = WordTiles<NeonWeights, 8, 3>;
// 12 sums, 3 scales, 3 least values, 3 words of digits, their floats, one of A and the mask: 26.
using FewInt4Weights = WordTiles<NeonDigits, 4, 3, Int4Loop<NeonDigits>>;

}  // namespace

constexpr WordKernels kWeightsInt8Neon =
    unpacking_kernels<TilesInt8Weights, NeonWeights, FirstInt8Loop<NeonWeights>, 8, 3>(pack_float_row);
constexpr WordKernels kWeightsInt4Neon =
    unpacking_kernels<FewInt4Weights, NeonDigits, FirstInt4Loop<NeonDigits>, 8, 3>(pack_float_groups);

}  // namespace calque::kernels

#undef CALQUE_SIMD
