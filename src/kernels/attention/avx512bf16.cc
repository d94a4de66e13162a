#include "kernels/attention/ops.h"
#include "kernels/attention/pack_x86.h"
#include "kernels/simd/avx512.h"

namespace calque::kernels {

namespace {

using V = avx512::F32;

struct PairWords {
  /// Assembly, because g++ 12 copies the sums of the intrinsic from register to register.
  [[gnu::always_inline]] static inline V add(V a, V b, V sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "v"(b.v));
    return sum;
  }
};

void pack_pairs(int64_t n, const float* x, float* words) {
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

void pack_key_pairs(int64_t depth, int64_t keys, const float* k, int64_t ld, float* packed, int64_t row) {
  constexpr int64_t kWords = 64;
  alignas(64) float words[kSquare * kWords];
  for (int64_t j = 0; j < keys; j += kSquare) {
    const int64_t here = keys - j < kSquare ? keys - j : kSquare;
    for (int64_t i = 0; i < depth; i += 2 * kWords) {
      const int64_t elements = depth - i < 2 * kWords ? depth - i : 2 * kWords;
      for (int64_t t = 0; t < here; ++t) pack_pairs(elements, k + (j + t) * ld + i, words + t * kWords);
      pack_keys((elements + 1) / 2, here, words, kWords, packed + i / 2 * row + j, row);
    }
  }
}

// Elements of two rows side by side, the first one low.
[[gnu::always_inline]] inline V pair_rows(V first, V second) {
  const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(first.v));
  const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(second.v));
  const __m512i words =
      _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
  return {_mm512_castsi512_ps(words)};
}

void pack_value_pairs(int64_t keys, int64_t cols, const float* v, int64_t ld, float* packed, int64_t row) {
  for (int64_t j = 0; j < keys; j += 2, packed += row) {
    const float* const first = v + j * ld;
    for (int64_t c = 0; c < cols; c += V::kWidth) {
      const int count = static_cast<int>(cols - c < V::kWidth ? cols - c : V::kWidth);
      const V second = j + 1 < keys ? V::load_first(first + ld + c, count) : V::zero();
      V::store(packed + c, pair_rows(V::load_first(first + c, count), second));
    }
  }
}

constexpr AttentionKernels pair_kernels() {
  AttentionKernels kernels = AttentionOps<V, 12, 24, true, PairWords>::kernels(pack_key_pairs);
  kernels.word = 2;
  kernels.pack_row = pack_pairs;
  kernels.pack_values = pack_value_pairs;
  return kernels;
}

}  // namespace

constexpr AttentionKernels kAttentionAvx512Bf16 = pair_kernels();

}  // namespace calque::kernels
