// Vectors of AVX2 with FMA. The same rules of inclusion as in avx512.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels::avx2 {

// Eight set words, then eight clear ones: a load at 8 - n gives the mask of the first n.
alignas(64) inline constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

struct F32 {
  using Element = float;
  static constexpr int kWidth = 8;
  __m256 v;

  CALQUE_SIMD F32 zero() { return {_mm256_setzero_ps()}; }
  CALQUE_SIMD F32 set(float x) { return {_mm256_set1_ps(x)}; }
  /// set(*p), in its place: where 16 registers are just enough, a compiler that moves the load forward
  /// spills.
  CALQUE_SIMD F32 broadcast(const float* p) {
    F32 x;
    asm volatile("vbroadcastss %1, %0" : "=x"(x.v) : "m"(*p));
    return x;
  }
  CALQUE_SIMD F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  CALQUE_SIMD void store(float* p, F32 x) { _mm256_storeu_ps(p, x.v); }
  CALQUE_SIMD __m256i first(int n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - n));
  }
  /// The first n elements, 0 <= n <= kWidth; the others are zero.
  CALQUE_SIMD F32 load_first(const float* p, int n) { return {_mm256_maskload_ps(p, first(n))}; }
  CALQUE_SIMD void store_first(float* p, int n, F32 x) { _mm256_maskstore_ps(p, first(n), x.v); }
  /// x where the index is below n, else y.
  CALQUE_SIMD F32 first_of(int n, F32 x, F32 y) {
    return {_mm256_blendv_ps(y.v, x.v, _mm256_castsi256_ps(first(n)))};
  }

  CALQUE_SIMD F32 add(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 sub(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 mul(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 div(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
  /// a * b + c, rounded once.
  CALQUE_SIMD F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  /// c - a * b, rounded once.
  CALQUE_SIMD F32 fnma(F32 a, F32 b, F32 c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
  /// a > b ? a : b; b when either is NaN.
  CALQUE_SIMD F32 max(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 min(F32 a, F32 b) { return {_mm256_min_ps(a.v, b.v)}; }
  CALQUE_SIMD F32 abs(F32 x) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), x.v)}; }
  /// The magnitude of x with the sign of `sign`.
  CALQUE_SIMD F32 copy_sign(F32 x, F32 sign) {
    const __m256 bit = _mm256_set1_ps(-0.0F);
    return {_mm256_or_ps(_mm256_andnot_ps(bit, x.v), _mm256_and_ps(bit, sign.v))};
  }
  CALQUE_SIMD F32 round(F32 x) {
    return {_mm256_round_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  /// a < b ? x : y.
  CALQUE_SIMD F32 if_less(F32 a, F32 b, F32 x, F32 y) {
    return {_mm256_blendv_ps(y.v, x.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
  }
  /// x * 2^n for an integral n in [-252, 252], in two factors, as 2^n may be no float though the product is
  /// one.
  CALQUE_SIMD F32 scale(F32 x, F32 n) {
    const __m256i whole = _mm256_cvtps_epi32(n.v);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return mul(mul(x, power(half)), power(_mm256_sub_epi32(whole, half)));
  }

  CALQUE_SIMD float sum(F32 x) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x.v), _mm256_extractf128_ps(x.v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  CALQUE_SIMD float largest(F32 x) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x.v), _mm256_extractf128_ps(x.v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
  }

 private:
  CALQUE_SIMD F32 power(__m256i n) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23))};
  }
};

/// As in avx512.h.
struct I32 {
  using Floats = F32;
  __m256i v;

  CALQUE_SIMD I32 zero() { return {_mm256_setzero_si256()}; }
  CALQUE_SIMD I32 set(int32_t x) { return {_mm256_set1_epi32(x)}; }
  CALQUE_SIMD I32 broadcast(const uint32_t* p) { return set(static_cast<int32_t>(*p)); }
  CALQUE_SIMD I32 load(const uint32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  CALQUE_SIMD I32 load_first(const int32_t* p, int n) { return {_mm256_maskload_epi32(p, F32::first(n))}; }
  /// c - a * b.
  CALQUE_SIMD I32 fnma(I32 a, I32 b, I32 c) { return {_mm256_sub_epi32(c.v, _mm256_mullo_epi32(a.v, b.v))}; }
  CALQUE_SIMD F32 to_float(I32 x) { return {_mm256_cvtepi32_ps(x.v)}; }
  CALQUE_SIMD F32 low_bf16(I32 x) { return {_mm256_castsi256_ps(_mm256_slli_epi32(x.v, 16))}; }
  CALQUE_SIMD F32 high_bf16(I32 x) {
    const __m256i mask = _mm256_set1_epi32(static_cast<int32_t>(0xFFFF0000));
    return {_mm256_castsi256_ps(_mm256_and_si256(x.v, mask))};
  }
};

struct F64 {
  using Element = double;
  static constexpr int kWidth = 4;
  __m256d v;

  CALQUE_SIMD F64 zero() { return {_mm256_setzero_pd()}; }
  CALQUE_SIMD F64 set(double x) { return {_mm256_set1_pd(x)}; }
  /// set(*p), in its place: where 16 registers are just enough, a compiler that moves the load forward
  /// spills.
  CALQUE_SIMD F64 broadcast(const double* p) {
    F64 x;
    asm volatile("vbroadcastsd %1, %0" : "=x"(x.v) : "m"(*p));
    return x;
  }
  CALQUE_SIMD F64 load(const double* p) { return {_mm256_loadu_pd(p)}; }
  CALQUE_SIMD void store(double* p, F64 x) { _mm256_storeu_pd(p, x.v); }
  CALQUE_SIMD __m256i first(int n) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - 2 * n));
  }
  CALQUE_SIMD F64 load_first(const double* p, int n) { return {_mm256_maskload_pd(p, first(n))}; }
  CALQUE_SIMD void store_first(double* p, int n, F64 x) { _mm256_maskstore_pd(p, first(n), x.v); }
  CALQUE_SIMD F64 add(F64 a, F64 b) { return {_mm256_add_pd(a.v, b.v)}; }
  CALQUE_SIMD F64 mul(F64 a, F64 b) { return {_mm256_mul_pd(a.v, b.v)}; }
  CALQUE_SIMD F64 fma(F64 a, F64 b, F64 c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
};

}  // namespace calque::kernels::avx2

#undef CALQUE_SIMD
