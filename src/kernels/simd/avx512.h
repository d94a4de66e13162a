// Vectors of AVX-512. Included only by files compiled for it: whatever these files define must have internal
// linkage or a type of this header in its name, and they call no inline function of the standard library.
// Otherwise the linker may keep a copy with AVX-512 instructions for a processor without them.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels::avx512 {

struct F32 {
  using Element = float;
  static constexpr int kWidth = 16;
  __m512 v;

  CALQUE_SIMD F32 zero() { return {_mm512_setzero_ps()}; }
  CALQUE_SIMD F32 set(float x) { return {_mm512_set1_ps(x)}; }
  CALQUE_SIMD F32 broadcast(const float* p) { return set(*p); }
  CALQUE_SIMD F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  CALQUE_SIMD void store(float* p, F32 x) { _mm512_storeu_ps(p, x.v); }
  CALQUE_SIMD __mmask16 first(int n) {
    return static_cast<__mmask16>(_bzhi_u32(0xFFFF, static_cast<unsigned>(n)));
  }
  /// The first n elements, 0 <= n <= kWidth; the others are zero.
  CALQUE_SIMD F32 load_first(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  CALQUE_SIMD void store_first(float* p, int n, F32 x) { _mm512_mask_storeu_ps(p, first(n), x.v); }
  /// x where the index is below n, else y.
  CALQUE_SIMD F32 first_of(int n, F32 x, F32 y) { return {_mm512_mask_blend_ps(first(n), y.v, x.v)}; }

  CALQUE_SIMD F32 add(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 sub(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 mul(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 div(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
  /// a * b + c, rounded once.
  CALQUE_SIMD F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  /// c - a * b, rounded once.
  CALQUE_SIMD F32 fnma(F32 a, F32 b, F32 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
  /// a > b ? a : b; b when either is NaN.
  CALQUE_SIMD F32 max(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 min(F32 a, F32 b) { return {_mm512_min_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 abs(F32 x) { return {_mm512_abs_ps(x.v)}; }
  /// The magnitude of x with the sign of `sign`.
  CALQUE_SIMD F32 copy_sign(F32 x, F32 sign) {
    const __m512 bit = _mm512_set1_ps(-0.0F);
    return {_mm512_or_ps(_mm512_andnot_ps(bit, x.v), _mm512_and_ps(bit, sign.v))};
  }
  CALQUE_SIMD F32 round(F32 x) {
    return {_mm512_roundscale_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  /// a < b ? x : y.
  CALQUE_SIMD F32 if_less(F32 a, F32 b, F32 x, F32 y) {
    return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
  }
  /// x * 2^n for an integral n in [-252, 252], rounded once when the result is denormal.
  CALQUE_SIMD F32 scale(F32 x, F32 n) { return {_mm512_scalef_ps(x.v, n.v)}; }

  CALQUE_SIMD float sum(F32 x) { return _mm512_reduce_add_ps(x.v); }
  CALQUE_SIMD float largest(F32 x) { return _mm512_reduce_max_ps(x.v); }
};

/// Words: integers of 32 bits, or pairs of bfloat16, the first in the lower half.
struct I32 {
  using Floats = F32;
  __m512i v;

  CALQUE_SIMD I32 zero() { return {_mm512_setzero_si512()}; }
  CALQUE_SIMD I32 set(int32_t x) { return {_mm512_set1_epi32(x)}; }
  CALQUE_SIMD I32 broadcast(const uint32_t* p) { return set(static_cast<int32_t>(*p)); }
  CALQUE_SIMD I32 load(const uint32_t* p) { return {_mm512_loadu_si512(p)}; }
  CALQUE_SIMD I32 load_first(const int32_t* p, int n) { return {_mm512_maskz_loadu_epi32(F32::first(n), p)}; }
  /// c - a * b.
  CALQUE_SIMD I32 fnma(I32 a, I32 b, I32 c) { return {_mm512_sub_epi32(c.v, _mm512_mullo_epi32(a.v, b.v))}; }
  CALQUE_SIMD F32 to_float(I32 x) { return {_mm512_cvtepi32_ps(x.v)}; }
  CALQUE_SIMD F32 low_bf16(I32 x) { return {_mm512_castsi512_ps(_mm512_slli_epi32(x.v, 16))}; }
  CALQUE_SIMD F32 high_bf16(I32 x) {
    const __m512i mask = _mm512_set1_epi32(static_cast<int32_t>(0xFFFF0000));
    return {_mm512_castsi512_ps(_mm512_and_si512(x.v, mask))};
  }
};

struct F64 {
  using Element = double;
  static constexpr int kWidth = 8;
  __m512d v;

  CALQUE_SIMD F64 zero() { return {_mm512_setzero_pd()}; }
  CALQUE_SIMD F64 set(double x) { return {_mm512_set1_pd(x)}; }
  CALQUE_SIMD F64 broadcast(const double* p) { return set(*p); }
  CALQUE_SIMD F64 load(const double* p) { return {_mm512_loadu_pd(p)}; }
  CALQUE_SIMD void store(double* p, F64 x) { _mm512_storeu_pd(p, x.v); }
  CALQUE_SIMD __mmask8 first(int n) {
    return static_cast<__mmask8>(_bzhi_u32(0xFF, static_cast<unsigned>(n)));
  }
  CALQUE_SIMD F64 load_first(const double* p, int n) { return {_mm512_maskz_loadu_pd(first(n), p)}; }
  CALQUE_SIMD void store_first(double* p, int n, F64 x) { _mm512_mask_storeu_pd(p, first(n), x.v); }
  CALQUE_SIMD F64 add(F64 a, F64 b) { return {_mm512_add_pd(a.v, b.v)}; }
  CALQUE_SIMD F64 mul(F64 a, F64 b) { return {_mm512_mul_pd(a.v, b.v)}; }
  CALQUE_SIMD F64 fma(F64 a, F64 b, F64 c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
};

}  // namespace calque::kernels::avx512

#undef CALQUE_SIMD
