#include "kernels/simd/avx512.h"
#include "kernels/gemm_words/avx512_bytes.h"
#include "kernels/gemm_words/bf16_rows.h"
#include "kernels/gemm_words/split_bf16.h"
#include "kernels/gemm_words/tile.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

// In 16-bit halves, as vpmaddubsw would saturate.
struct Avx512Int8 {
  using V = avx512::F32;
  using Sum = __m512i;
  struct B {
    __m512i even, odd;
  };
  using A = B;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return _mm512_setzero_si512(); }
  CALQUE_SIMD B load(const uint32_t* p) {
    const __m512i bytes = _mm512_loadu_si512(p);
    return {_mm512_srai_epi16(_mm512_slli_epi16(bytes, 8), 8), _mm512_srai_epi16(bytes, 8)};
  }
  CALQUE_SIMD A broadcast(const uint32_t* p) {
    const __m512i bytes = _mm512_set1_epi32(static_cast<int32_t>(*p));
    return {_mm512_and_si512(bytes, _mm512_set1_epi16(0xFF)), _mm512_srli_epi16(bytes, 8)};
  }
  CALQUE_SIMD Sum add(Sum sum, const A& a, const B& b) {
    const __m512i even = _mm512_madd_epi16(a.even, b.even);
    return _mm512_add_epi32(sum, _mm512_add_epi32(even, _mm512_madd_epi16(a.odd, b.odd)));
  }
  CALQUE_SIMD V finish(const WordTile& tile, int r, int col, int count, Sum sum, V bias) {
    return dequantize(tile, r, col, count, avx512::I32{sum}, bias);
  }
};

// 18 sums, 3 vectors of B and one of A in two halves each, and the mask: 27 of 32 registers.
using TilesBf16 = WordTiles<SplitBf16<avx512::I32>, 6, 3>;
using TilesInt8 = WordTiles<Avx512Int8, 6, 3>;

}  // namespace

constexpr WordKernels kBf16Avx512{TilesBf16::kMr, TilesBf16::kNr, TilesBf16::kWidth, TilesBf16::run,
                                  pack_bf16_row<&kConvertAvx512>};
constexpr WordKernels kInt8Avx512{TilesInt8::kMr, TilesInt8::kNr, TilesInt8::kWidth, TilesInt8::run,
                                  ByteRows<avx512::F32, Avx512Bytes>::pack};

}  // namespace calque::kernels

#undef CALQUE_SIMD
