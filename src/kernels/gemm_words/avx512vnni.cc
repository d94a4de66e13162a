#include "kernels/gemm_words/avx512_bytes.h"
#include "kernels/gemm_words/tile.h"
#include "kernels/simd/avx512.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct VnniDot {
  using V = avx512::F32;
  using Sum = __m512i;
  using B = __m512i;
  using A = __m512i;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return _mm512_setzero_si512(); }
  CALQUE_SIMD B load(const uint32_t* p) { return _mm512_loadu_si512(p); }
  CALQUE_SIMD A broadcast(const uint32_t* p) { return _mm512_set1_epi32(static_cast<int32_t>(*p)); }
  /// Assembly, because g++ 12 copies the sums of the intrinsic from register to register and into memory.
  CALQUE_SIMD Sum add(Sum sum, A a, B b) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
  }
  CALQUE_SIMD V finish(const WordTile& tile, int r, int col, int count, Sum sum, V bias) {
    return dequantize(tile, r, col, count, avx512::I32{sum}, bias);
  }
};

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers.
using TilesInt8 = WordTiles<VnniDot, 8, 3>;

}  // namespace

constexpr WordKernels kInt8Avx512Vnni{TilesInt8::kMr, TilesInt8::kNr, TilesInt8::kWidth, TilesInt8::run,
                                      ByteRows<avx512::F32, Avx512Bytes>::pack};

}  // namespace calque::kernels

#undef CALQUE_SIMD
