// Vectors of 16 bytes in plain C++, which compilers turn into whatever the platform has at least. The rules
// of avx512.h need not hold here.
#pragma once

#include <cstdint>
#include <cstring>

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels::portable {

struct F32 {
  using Element = float;
  using Floats [[gnu::vector_size(16)]] = float;
  using Words [[gnu::vector_size(16)]] = int32_t;
  static constexpr int kWidth = 4;
  Floats v;

  CALQUE_SIMD F32 zero() { return {Floats{}}; }
  CALQUE_SIMD F32 set(float x) { return {Floats{x, x, x, x}}; }
  CALQUE_SIMD F32 broadcast(const float* p) { return set(*p); }
  CALQUE_SIMD F32 load(const float* p) {
    F32 x;
    std::memcpy(&x.v, p, sizeof x.v);
    return x;
  }
  CALQUE_SIMD void store(float* p, F32 x) { std::memcpy(p, &x.v, sizeof x.v); }
  /// The first n elements, 0 <= n <= kWidth; the others are zero.
  CALQUE_SIMD F32 load_first(const float* p, int n) {
    F32 x = zero();
    for (int i = 0; i < n; ++i) x.v[i] = p[i];
    return x;
  }
  CALQUE_SIMD void store_first(float* p, int n, F32 x) {
    for (int i = 0; i < n; ++i) p[i] = x.v[i];
  }
  /// x where the index is below n, else y.
  CALQUE_SIMD F32 first_of(int n, F32 x, F32 y) { return select(Words{0, 1, 2, 3} < n, x, y); }

  CALQUE_SIMD F32 add(F32 a, F32 b) { return {a.v + b.v}; }
  CALQUE_SIMD F32 sub(F32 a, F32 b) { return {a.v - b.v}; }
  CALQUE_SIMD F32 mul(F32 a, F32 b) { return {a.v * b.v}; }
  CALQUE_SIMD F32 div(F32 a, F32 b) { return {a.v / b.v}; }
  /// a * b + c, rounded once or twice.
  CALQUE_SIMD F32 fma(F32 a, F32 b, F32 c) { return {a.v * b.v + c.v}; }
  /// c - a * b, rounded once or twice.
  CALQUE_SIMD F32 fnma(F32 a, F32 b, F32 c) { return {c.v - a.v * b.v}; }
  /// a > b ? a : b; b when either is NaN.
  CALQUE_SIMD F32 max(F32 a, F32 b) { return select(a.v > b.v, a, b); }
  CALQUE_SIMD F32 min(F32 a, F32 b) { return select(a.v < b.v, a, b); }
  /// To the nearest whole number, for magnitudes below 2^22.
  CALQUE_SIMD F32 round(F32 x) {
    const F32 large = set(0x1.8p23F);
    return sub(add(x, large), large);
  }
  /// x * 2^n for an integral n in [-252, 252], in two factors, as 2^n may be no float though the product is
  /// one.
  CALQUE_SIMD F32 scale(F32 x, F32 n) {
    const Words whole = __builtin_convertvector(n.v, Words);
    const Words half = whole >> 1;
    return mul(mul(x, power(half)), power(whole - half));
  }

  CALQUE_SIMD float sum(F32 x) { return (x.v[0] + x.v[2]) + (x.v[1] + x.v[3]); }
  CALQUE_SIMD float largest(F32 x) {
    float found = x.v[0];
    for (int i = 1; i < kWidth; ++i) found = x.v[i] > found ? x.v[i] : found;
    return found;
  }

 private:
  CALQUE_SIMD F32 select(Words mask, F32 x, F32 y) {
    return {reinterpret_cast<Floats>((mask & reinterpret_cast<Words>(x.v)) |
                                     (~mask & reinterpret_cast<Words>(y.v)))};
  }
  CALQUE_SIMD F32 power(Words n) { return {reinterpret_cast<Floats>((n + 127) << 23)}; }
};

}  // namespace calque::kernels::portable

#undef CALQUE_SIMD
