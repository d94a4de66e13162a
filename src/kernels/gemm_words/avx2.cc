#include "kernels/simd/avx2.h"
#include "kernels/gemm_words/bf16_rows.h"
#include "kernels/gemm_words/byte_rows.h"
#include "kernels/gemm_words/dequantize.h"
#include "kernels/gemm_words/split_bf16.h"
#include "kernels/gemm_words/tile.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

// In 16-bit halves, as vpmaddubsw would saturate.
struct Avx2Int8 {
  using V = avx2::F32;
  using Sum = __m256i;
  struct B {
    __m256i even, odd;
  };
  using A = B;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return _mm256_setzero_si256(); }
  CALQUE_SIMD B load(const uint32_t* p) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
  }
  CALQUE_SIMD A broadcast(const uint32_t* p) {
    const __m256i bytes = _mm256_set1_epi32(static_cast<int32_t>(*p));
    return {_mm256_and_si256(bytes, _mm256_set1_epi16(0xFF)), _mm256_srli_epi16(bytes, 8)};
  }
  CALQUE_SIMD Sum add(Sum sum, const A& a, const B& b) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a.even, b.even));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a.odd, b.odd));
  }
  CALQUE_SIMD V finish(const WordTile& tile, int r, int col, int count, Sum sum, V bias) {
    return dequantize(tile, r, col, count, avx2::I32{sum}, bias);
  }
};

struct Avx2Bytes {
  using V = avx2::F32;

  /// Packing to 16 and to 8 bits saturates.
  CALQUE_SIMD void store(uint8_t* p, const V (&x)[4], V inverse, int32_t zero_point) {
    const __m256i zero = _mm256_set1_epi32(zero_point);
    __m256i q[4];
    for (int i = 0; i < 4; ++i) {
      q[i] = _mm256_add_epi32(_mm256_cvtps_epi32(V::mul(x[i], inverse).v), zero);
    }
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permutevar8x32_epi32(bytes, order));
  }
};

// 8 sums, 2 vectors of B and one of A in two halves each, and the mask: 15 of 16 registers.
using TilesBf16 = WordTiles<SplitBf16<avx2::I32>, 4, 2>;
using TilesInt8 = WordTiles<Avx2Int8, 4, 2>;

}  // namespace

constexpr WordKernels kBf16Avx2{TilesBf16::kMr, TilesBf16::kNr, TilesBf16::kWidth, TilesBf16::run,
                                pack_bf16_row<&kConvertAvx2>};
constexpr WordKernels kInt8Avx2{TilesInt8::kMr, TilesInt8::kNr, TilesInt8::kWidth, TilesInt8::run,
                                ByteRows<avx2::F32, Avx2Bytes>::pack};

}  // namespace calque::kernels

#undef CALQUE_SIMD
