// GELU for vectors of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include "kernels/gelu/coarse.h"
#include "kernels/gelu/gelu_kernels.h"
#include "kernels/simd/math.h"
#include "kernels/simd/rows.h"

namespace calque::kernels {

template <class V>
struct GeluOps {
  struct Erf {
    [[gnu::always_inline]] static inline V apply(V x) { return Math<V>::gelu(x); }
  };
  struct Tanh {
    [[gnu::always_inline]] static inline V apply(V x) { return Math<V>::gelu_tanh(x); }
  };

  static constexpr GeluKernels kKernels{UnaryRow<V, Erf>::run, UnaryRow<V, Tanh>::run,
                                        UnaryRow<V, CoarseGelu<V, coarse::kErf>>::run,
                                        UnaryRow<V, CoarseGelu<V, coarse::kTanh>>::run};
};

}  // namespace calque::kernels
