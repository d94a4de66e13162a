#include "kernels/attention/pairs.h"
#include "kernels/gemm/transpose_x86.h"
#include "kernels/simd/avx512.h"

namespace calque::kernels {

namespace {

using V = avx512::F32;

struct Avx512Pairs {
  /// Assembly, because g++ 12 copies the sums of the intrinsic from register to register.
  [[gnu::always_inline]] static inline V add(V a, V b, V sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "v"(b.v));
    return sum;
  }

  static void pack(int64_t n, const float* x, float* words) {
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
      const __m512bh pairs = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i));
      _mm512_storeu_si512(words + i / 2, reinterpret_cast<__m512i>(pairs));
    }
    const int rest = static_cast<int>(n - i);
    if (rest == 0) return;
    const V low = V::load_first(x + i, rest < 16 ? rest : 16);
    const V high = rest > 16 ? V::load_first(x + i + 16, rest - 16) : V::zero();
    const __m512bh pairs = _mm512_cvtne2ps_pbh(high.v, low.v);
    _mm512_mask_storeu_epi32(words + i / 2, V::first((rest + 1) / 2), reinterpret_cast<__m512i>(pairs));
  }

  [[gnu::always_inline]] static inline V beside(V first, V second) {
    const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(first.v));
    const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(second.v));
    const __m512i words =
        _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
    return {_mm512_castsi512_ps(words)};
  }
};

}  // namespace

constexpr AttentionKernels kAttentionAvx512Bf16 = PairOps<V, Avx512Pairs, X86Square>::kernels<12, 24>();

}  // namespace calque::kernels
