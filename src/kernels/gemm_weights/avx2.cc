#include "kernels/simd/avx2.h"
#include "kernels/gemm_weights/float_rows.h"
#include "kernels/gemm_weights/int4_loop.h"
#include "kernels/gemm_weights/unpack_loop.h"
#include "kernels/gemm_words/tile.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct Avx2Weights {
  using V = avx2::F32;
  using Sum = V;
  using A = V;
  using B = V;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth / 4;

  CALQUE_SIMD Sum zero() { return V::zero(); }
  CALQUE_SIMD A broadcast(const uint32_t* p) {
    return {_mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int32_t>(*p)))};
  }
  CALQUE_SIMD B load(const uint32_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))};
  }
  CALQUE_SIMD Sum add(Sum sum, A a, B b) { return V::fma(a, b, sum); }
  CALQUE_SIMD V finish(const WordTile& tile, int, int col, int count, Sum sum, V bias) {
    return V::fma(sum, V::load_first(tile.col_scales + col, count), bias);
  }
};

struct Avx2Digits : Avx2Weights {
  using Words = __m256i;

  CALQUE_SIMD Words load(const uint32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  CALQUE_SIMD V low_half(Words x) { return {_mm256_castsi256_ps(_mm256_slli_epi32(x, 16))}; }
  CALQUE_SIMD V high_half(Words x) {
    return {_mm256_castsi256_ps(_mm256_and_si256(x, _mm256_set1_epi32(static_cast<int32_t>(0xFFFF0000))))};
  }
  CALQUE_SIMD V digit(Words x, int t) {
    const __m256i digits = _mm256_and_si256(_mm256_srli_epi32(x, 4 * t), _mm256_set1_epi32(15));
    return {_mm256_cvtepi32_ps(digits)};
  }
  CALQUE_SIMD V finish(const WordTile&, int, int, int, Sum sum, V bias) { return V::add(sum, bias); }
};

// 12 sums, 3 vectors of B and one of A: all 16 registers.
using TilesInt8Weights = WordTiles<Avx2Weights, 4, 3>;
// 6 sums, 2 scales, 2 least values, 2 words of digits, their floats and one of A: 14.
using FewInt4Weights = WordTiles<Avx2Digits, 3, 2, Int4Loop<Avx2Digits>>;

}  // namespace

constexpr WordKernels kWeightsInt8Avx2 =
    unpacking_kernels<TilesInt8Weights, Avx2Weights, FirstInt8Loop<Avx2Weights>, 4, 3>(pack_float_row);
constexpr WordKernels kWeightsInt4Avx2 =
    unpacking_kernels<FewInt4Weights, Avx2Digits, FirstInt4Loop<Avx2Digits>, 6, 2>(pack_float_groups);

}  // namespace calque::kernels

#undef CALQUE_SIMD
