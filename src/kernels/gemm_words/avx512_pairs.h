// Rows of A in bfloat16, for products that take its pairs. The rules of simd/avx512.h hold here.
#pragma once

#include "kernels/gemm_words/word_kernels.h"
#include "kernels/simd/avx512.h"

namespace calque::kernels {

namespace {

/// WordKernels::pack_row.
inline RowQuantization pack_bf16_row(int64_t k, const float* x, const float*, uint32_t* words) {
  constexpr int64_t kPairs = 32;
  int64_t i = 0;
  for (; i + kPairs <= k; i += kPairs) {
    const __m512bh y = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i));
    _mm512_storeu_si512(words + i / 2, reinterpret_cast<__m512i>(y));
  }
  const int rest = static_cast<int>(k - i);
  if (rest == 0) return {};
  const auto low = avx512::F32::load_first(x + i, rest < 16 ? rest : 16);
  const auto high = rest > 16 ? avx512::F32::load_first(x + i + 16, rest - 16) : avx512::F32::zero();
  const __m512bh y = _mm512_cvtne2ps_pbh(high.v, low.v);
  const __mmask16 first = avx512::F32::first((rest + 1) / 2);
  _mm512_mask_storeu_epi32(words + i / 2, first, reinterpret_cast<__m512i>(y));
  return {};
}

}  // namespace

}  // namespace calque::kernels
