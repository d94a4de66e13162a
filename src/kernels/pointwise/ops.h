// The element-wise operations for vectors of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include "kernels/pointwise/pointwise_kernels.h"
#include "kernels/simd/math.h"
#include "kernels/simd/rows.h"

namespace calque::kernels {

template <class V>
struct PointwiseOps {
  struct Add {
    [[gnu::always_inline]] static inline V apply(V a, V b) { return V::add(a, b); }
  };
  struct Sub {
    [[gnu::always_inline]] static inline V apply(V a, V b) { return V::sub(a, b); }
  };
  struct Mul {
    [[gnu::always_inline]] static inline V apply(V a, V b) { return V::mul(a, b); }
  };
  struct Div {
    [[gnu::always_inline]] static inline V apply(V a, V b) { return V::div(a, b); }
  };
  struct Exp {
    [[gnu::always_inline]] static inline V apply(V x) { return Math<V>::exp(x); }
  };
  struct Tanh {
    [[gnu::always_inline]] static inline V apply(V x) { return Math<V>::tanh(x); }
  };
  struct Erf {
    [[gnu::always_inline]] static inline V apply(V x) { return Math<V>::erf(x); }
  };
  struct Relu {
    [[gnu::always_inline]] static inline V apply(V x) { return V::max(V::zero(), x); }  // x when x is NaN
  };

  struct Silu {
    [[gnu::always_inline]] static inline V apply(V x) { return gated(x, V::sub(V::zero(), x)); }
  };
  struct QuickGelu {
    [[gnu::always_inline]] static inline V apply(V x) { return gated(x, V::mul(x, V::set(-1.702F))); }
  };
  [[gnu::always_inline]] static inline V gated(V x, V exponent) {
    return V::div(x, V::add(V::set(1.0F), Math<V>::exp(exponent)));
  }

  static constexpr PointwiseKernels kKernels{
      {BinaryRow<V, Add>::run, BinaryRow<V, Sub>::run, BinaryRow<V, Mul>::run, BinaryRow<V, Div>::run},
      {UnaryRow<V, Exp>::run, UnaryRow<V, Tanh>::run, UnaryRow<V, Erf>::run, UnaryRow<V, Relu>::run,
       UnaryRow<V, Silu>::run, UnaryRow<V, QuickGelu>::run},
  };
};

}  // namespace calque::kernels
