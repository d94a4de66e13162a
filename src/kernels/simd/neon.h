// Vectors of ARM's Advanced SIMD (NEON), which every 64-bit ARM processor has. The same rules of inclusion as
// in avx512.h.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels::neon {

/// The first n lanes, 0 <= n <= 4; the others are zero.
template <class Lanes, class T>
[[gnu::always_inline]] inline Lanes load_lanes(const T* p, int n) {
  Lanes x{};
  if (n > 0) x[0] = p[0];
  if (n > 1) x[1] = p[1];
  if (n > 2) x[2] = p[2];
  if (n > 3) x[3] = p[3];
  return x;
}

struct F32 {
  using Element = float;
  static constexpr int kWidth = 4;
  float32x4_t v;

  CALQUE_SIMD F32 zero() { return set(0); }
  CALQUE_SIMD F32 set(float x) { return {vdupq_n_f32(x)}; }
  CALQUE_SIMD F32 broadcast(const float* p) { return {vld1q_dup_f32(p)}; }
  CALQUE_SIMD F32 load(const float* p) { return {vld1q_f32(p)}; }
  CALQUE_SIMD void store(float* p, F32 x) { vst1q_f32(p, x.v); }
  /// The first n elements, 0 <= n <= kWidth; the others are zero.
  CALQUE_SIMD F32 load_first(const float* p, int n) {
    return n == kWidth ? load(p) : F32{load_lanes<float32x4_t>(p, n)};
  }
  CALQUE_SIMD void store_first(float* p, int n, F32 x) {
    if (n == kWidth) return store(p, x);
    if (n > 0) p[0] = x.v[0];
    if (n > 1) p[1] = x.v[1];
    if (n > 2) p[2] = x.v[2];
  }
  /// x where the index is below n, else y.
  CALQUE_SIMD F32 first_of(int n, F32 x, F32 y) {
    constexpr int32x4_t kIndex = {0, 1, 2, 3};
    return {vbslq_f32(vcltq_s32(kIndex, vdupq_n_s32(n)), x.v, y.v)};
  }

  CALQUE_SIMD F32 add(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
  CALQUE_SIMD F32 sub(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
  CALQUE_SIMD F32 mul(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
  CALQUE_SIMD F32 div(F32 a, F32 b) { return {vdivq_f32(a.v, b.v)}; }
  /// a * b + c, rounded once.
  CALQUE_SIMD F32 fma(F32 a, F32 b, F32 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
  /// c - a * b, rounded once.
  CALQUE_SIMD F32 fnma(F32 a, F32 b, F32 c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
  /// a > b ? a : b; b when either is NaN, where the processor's own maximum is NaN.
  CALQUE_SIMD F32 max(F32 a, F32 b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
  CALQUE_SIMD F32 min(F32 a, F32 b) { return if_less(a, b, a, b); }
  CALQUE_SIMD F32 abs(F32 x) { return {vabsq_f32(x.v)}; }
  /// The magnitude of x with the sign of `sign`.
  CALQUE_SIMD F32 copy_sign(F32 x, F32 sign) { return {vbslq_f32(vdupq_n_u32(0x80000000U), sign.v, x.v)}; }
  CALQUE_SIMD F32 round(F32 x) { return {vrndnq_f32(x.v)}; }
  /// a < b ? x : y.
  CALQUE_SIMD F32 if_less(F32 a, F32 b, F32 x, F32 y) { return {vbslq_f32(vcltq_f32(a.v, b.v), x.v, y.v)}; }
  /// x * 2^n for an integral n in [-252, 252], in two factors, as 2^n may be no float though the product is
  /// one.
  CALQUE_SIMD F32 scale(F32 x, F32 n) {
    const int32x4_t whole = vcvtq_s32_f32(n.v);
    const int32x4_t half = vshrq_n_s32(whole, 1);
    return mul(mul(x, power(half)), power(vsubq_s32(whole, half)));
  }

  CALQUE_SIMD float sum(F32 x) { return vaddvq_f32(x.v); }
  /// Without NaN.
  CALQUE_SIMD float largest(F32 x) { return vmaxvq_f32(x.v); }

 private:
  CALQUE_SIMD F32 power(int32x4_t n) {
    return {vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23))};
  }
};

/// As in avx512.h.
struct I32 {
  using Floats = F32;
  int32x4_t v;

  CALQUE_SIMD I32 zero() { return set(0); }
  CALQUE_SIMD I32 set(int32_t x) { return {vdupq_n_s32(x)}; }
  CALQUE_SIMD I32 broadcast(const uint32_t* p) { return {vreinterpretq_s32_u32(vld1q_dup_u32(p))}; }
  CALQUE_SIMD I32 load(const uint32_t* p) { return {vreinterpretq_s32_u32(vld1q_u32(p))}; }
  CALQUE_SIMD I32 load_first(const int32_t* p, int n) { return {load_lanes<int32x4_t>(p, n)}; }
  /// c - a * b.
  CALQUE_SIMD I32 fnma(I32 a, I32 b, I32 c) { return {vmlsq_s32(c.v, a.v, b.v)}; }
  CALQUE_SIMD F32 to_float(I32 x) { return {vcvtq_f32_s32(x.v)}; }
  CALQUE_SIMD F32 low_bf16(I32 x) { return {vreinterpretq_f32_s32(vshlq_n_s32(x.v, 16))}; }
  CALQUE_SIMD F32 high_bf16(I32 x) {
    const uint32x4_t mask = vdupq_n_u32(0xFFFF0000);
    return {vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_s32(x.v), mask))};
  }
};

struct F64 {
  using Element = double;
  static constexpr int kWidth = 2;
  float64x2_t v;

  CALQUE_SIMD F64 zero() { return set(0); }
  CALQUE_SIMD F64 set(double x) { return {vdupq_n_f64(x)}; }
  CALQUE_SIMD F64 broadcast(const double* p) { return {vld1q_dup_f64(p)}; }
  CALQUE_SIMD F64 load(const double* p) { return {vld1q_f64(p)}; }
  CALQUE_SIMD void store(double* p, F64 x) { vst1q_f64(p, x.v); }
  CALQUE_SIMD F64 load_first(const double* p, int n) {
    if (n == kWidth) return load(p);
    return n == 0 ? zero() : F64{vld1q_lane_f64(p, vdupq_n_f64(0), 0)};
  }
  CALQUE_SIMD void store_first(double* p, int n, F64 x) {
    if (n == kWidth) return store(p, x);
    if (n > 0) p[0] = x.v[0];
  }
  CALQUE_SIMD F64 add(F64 a, F64 b) { return {vaddq_f64(a.v, b.v)}; }
  CALQUE_SIMD F64 mul(F64 a, F64 b) { return {vmulq_f64(a.v, b.v)}; }
  CALQUE_SIMD F64 fma(F64 a, F64 b, F64 c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
};

}  // namespace calque::kernels::neon

#undef CALQUE_SIMD
