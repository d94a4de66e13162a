#include "kernels/gemm_words/avx512_pairs.h"
#include "kernels/gemm_words/tile.h"
#include "kernels/simd/avx512.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct Bf16Dot {
  using V = avx512::F32;
  using Sum = V;
  using B = __m512i;
  using A = __m512i;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return V::zero(); }
  CALQUE_SIMD B load(const uint32_t* p) { return _mm512_loadu_si512(p); }
  CALQUE_SIMD A broadcast(const uint32_t* p) { return _mm512_set1_epi32(static_cast<int32_t>(*p)); }
  /// Assembly, because g++ 12 copies the sums of the intrinsic from register to register.
  CALQUE_SIMD Sum add(Sum sum, A a, B b) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.v) : "v"(a), "v"(b));
    return sum;
  }
  CALQUE_SIMD V finish(const WordTile&, int, int, int, Sum sum, V bias) { return V::add(sum, bias); }
};

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers.
using TilesBf16 = WordTiles<Bf16Dot, 8, 3>;

}  // namespace

constexpr WordKernels kBf16Avx512Bf16{TilesBf16::kMr, TilesBf16::kNr, TilesBf16::kWidth, TilesBf16::run,
                                      pack_bf16_row};

}  // namespace calque::kernels

#undef CALQUE_SIMD
