// Vectors of plain C++ in the manner of simd/.
#pragma once

#include <cstdint>

namespace calque::kernels {

// Vectors of 16 bytes, which compilers turn into whatever the platform has at least.
using PortableWords [[gnu::vector_size(16)]] = uint32_t;

struct PortableF32 {
  using Vector [[gnu::vector_size(16)]] = float;
  static constexpr int kWidth = 4;
  Vector v;

  static PortableF32 zero() { return {Vector{}}; }
  static PortableF32 load(const float* p) { return load_first(p, kWidth); }
  static PortableF32 load_first(const float* p, int n) {
    PortableF32 x = zero();
    for (int i = 0; i < n; ++i) x.v[i] = p[i];
    return x;
  }
  static PortableF32 add(PortableF32 a, PortableF32 b) { return {a.v + b.v}; }
  /// a * b + c; rounded once or twice, as the compiler likes.
  static PortableF32 fma(PortableF32 a, PortableF32 b, PortableF32 c) { return {a.v * b.v + c.v}; }
  static void store(float* p, PortableF32 x) { store_first(p, kWidth, x); }
  static void store_first(float* p, int n, PortableF32 x) {
    for (int i = 0; i < n; ++i) p[i] = x.v[i];
  }
};

}  // namespace calque::kernels
