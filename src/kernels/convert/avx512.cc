#include <immintrin.h>

#include "kernels/convert/convert_kernels.h"

namespace calque::kernels {

namespace {

constexpr int64_t kWidth = 16;

__m256i to_bf16(__m512 x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  const __m512i chosen = _mm512_mask_or_epi32(rounded, is_nan, bits, _mm512_set1_epi32(0x400000));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16));
}

__m512 from_bf16(__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); }
__m256i to_f16(__m512 x) { return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT); }
__m512 from_f16(__m256i x) { return _mm512_cvtph_ps(x); }

__mmask16 first(int64_t n) { return static_cast<__mmask16>(_bzhi_u32(0xFFFF, static_cast<unsigned>(n))); }

template <__m256i (*kConvert)(__m512)>
void narrow_row(int64_t n, const float* x, uint16_t* y) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const __mmask16 mask = n - i < kWidth ? first(n - i) : static_cast<__mmask16>(0xFFFF);
    _mm256_mask_storeu_epi16(y + i, mask, kConvert(_mm512_maskz_loadu_ps(mask, x + i)));
  }
}

template <__m512 (*kConvert)(__m256i)>
void widen_row(int64_t n, const uint16_t* x, float* y) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const __mmask16 mask = n - i < kWidth ? first(n - i) : static_cast<__mmask16>(0xFFFF);
    _mm512_mask_storeu_ps(y + i, mask, kConvert(_mm256_maskz_loadu_epi16(mask, x + i)));
  }
}

}  // namespace

constexpr ConvertKernels kConvertAvx512{narrow_row<to_bf16>, widen_row<from_bf16>, narrow_row<to_f16>,
                                        widen_row<from_f16>};

}  // namespace calque::kernels
