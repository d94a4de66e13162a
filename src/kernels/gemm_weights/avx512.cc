#include "kernels/simd/avx512.h"
#include "kernels/gemm_weights/float_rows.h"
#include "kernels/gemm_weights/int4_loop.h"
#include "kernels/gemm_weights/unpack_loop.h"
#include "kernels/gemm_words/tile.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct Avx512Weights {
  using V = avx512::F32;
  using Sum = V;
  using A = V;
  using B = V;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth / 4;

  CALQUE_SIMD Sum zero() { return V::zero(); }
  CALQUE_SIMD A broadcast(const uint32_t* p) {
    return {_mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int32_t>(*p)))};
  }
  CALQUE_SIMD B load(const uint32_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
  }
  CALQUE_SIMD Sum add(Sum sum, A a, B b) { return V::fma(a, b, sum); }
  CALQUE_SIMD V finish(const WordTile& tile, int, int col, int count, Sum sum, V bias) {
    return V::fma(sum, V::load_first(tile.col_scales + col, count), bias);
  }
};

struct Avx512Digits : Avx512Weights {
  using Words = __m512i;

  CALQUE_SIMD Words load(const uint32_t* p) { return _mm512_loadu_si512(p); }
  CALQUE_SIMD V low_half(Words x) { return {_mm512_castsi512_ps(_mm512_slli_epi32(x, 16))}; }
  CALQUE_SIMD V high_half(Words x) {
    return {_mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32(static_cast<int32_t>(0xFFFF0000))))};
  }
  /// The permutation looks at the lowest four bits only.
  CALQUE_SIMD V digit(Words x, int t) {
    const __m512 floats = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return {_mm512_permutexvar_ps(_mm512_srli_epi32(x, static_cast<unsigned>(4 * t)), floats)};
  }
  CALQUE_SIMD V finish(const WordTile&, int, int, int, Sum sum, V bias) { return V::add(sum, bias); }
};

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers. Bytes become float32 beside the sums, in units
// that those leave idle.
using TilesInt8Weights = WordTiles<Avx512Weights, 8, 3>;
// 12 sums, 3 scales, 3 least values, 3 words of digits, their floats, one of B and one of A: 24 of 32.
using FewInt4Weights = WordTiles<Avx512Digits, 4, 3, Int4Loop<Avx512Digits>>;

}  // namespace

constexpr WordKernels kWeightsInt8Avx512{TilesInt8Weights::kMr, TilesInt8Weights::kNr,
                                         TilesInt8Weights::kWidth, TilesInt8Weights::run, pack_float_row};
constexpr WordKernels kWeightsInt4Avx512 =
    unpacking_kernels<FewInt4Weights, Avx512Digits, FirstInt4Loop<Avx512Digits>, 8, 3>(pack_float_groups);

}  // namespace calque::kernels

#undef CALQUE_SIMD
