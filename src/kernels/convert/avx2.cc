#include <immintrin.h>

#include "kernels/convert/convert_kernels.h"

namespace calque::kernels {

namespace {

constexpr int64_t kWidth = 8;

__m128i to_bf16(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
}

__m256 from_bf16(__m128i x) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16)); }
__m128i to_f16(__m256 x) { return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT); }
__m256 from_f16(__m128i x) { return _mm256_cvtph_ps(x); }

// The remainder goes through a full vector in a buffer.
template <__m128i (*kConvert)(__m256)>
void narrow_row(int64_t n, const float* x, uint16_t* y) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i), kConvert(_mm256_loadu_ps(x + i)));
  }
  if (i == n) return;
  float from[kWidth] = {};
  uint16_t to[kWidth];
  for (int64_t j = 0; j < n - i; ++j) from[j] = x[i + j];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), kConvert(_mm256_loadu_ps(from)));
  for (int64_t j = 0; j < n - i; ++j) y[i + j] = to[j];
}

template <__m256 (*kConvert)(__m128i)>
void widen_row(int64_t n, const uint16_t* x, float* y) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    _mm256_storeu_ps(y + i, kConvert(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i))));
  }
  if (i == n) return;
  uint16_t from[kWidth] = {};
  float to[kWidth];
  for (int64_t j = 0; j < n - i; ++j) from[j] = x[i + j];
  _mm256_storeu_ps(to, kConvert(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  for (int64_t j = 0; j < n - i; ++j) y[i + j] = to[j];
}

}  // namespace

constexpr ConvertKernels kConvertAvx2{narrow_row<to_bf16>, widen_row<from_bf16>, narrow_row<to_f16>,
                                      widen_row<from_f16>};

}  // namespace calque::kernels
