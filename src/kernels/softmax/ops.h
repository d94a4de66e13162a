// Softmax for vectors of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/simd/math.h"
#include "kernels/softmax/softmax_kernels.h"

namespace calque::kernels {

template <class V>
struct SoftmaxOps {
  // NaN need not be found by the maximum: it reaches the sum, and through it every element.
  static void row(int64_t n, const float* x, float* y) {
    const V max = V::set(row_max(n, x));
    V sums = V::zero();
    int64_t i = 0;
    for (; i + V::kWidth <= n; i += V::kWidth) {
      const V e = Math<V>::exp(V::sub(V::load(x + i), max));
      V::store(y + i, e);
      sums = V::add(sums, e);
    }
    const int rest = static_cast<int>(n - i);
    if (rest > 0) {
      const V e = Math<V>::exp(V::sub(V::load_first(x + i, rest), max));
      V::store_first(y + i, rest, e);
      sums = V::add(sums, V::first_of(rest, e, V::zero()));
    }
    scale(n, 1.0F / V::sum(sums), y);
  }

  static constexpr SoftmaxKernels kKernels{row};

 private:
  static float row_max(int64_t n, const float* x) {
    const V lowest = V::set(-__builtin_inff());
    V max = lowest;
    int64_t i = 0;
    for (; i + V::kWidth <= n; i += V::kWidth) max = V::max(V::load(x + i), max);
    const int rest = static_cast<int>(n - i);
    if (rest > 0) max = V::max(V::first_of(rest, V::load_first(x + i, rest), lowest), max);
    return V::largest(max);
  }

  static void scale(int64_t n, float factor, float* y) {
    const V by = V::set(factor);
    int64_t i = 0;
    for (; i + V::kWidth <= n; i += V::kWidth) V::store(y + i, V::mul(V::load(y + i), by));
    const int rest = static_cast<int>(n - i);
    if (rest > 0) V::store_first(y + i, rest, V::mul(V::load_first(y + i, rest), by));
  }
};

}  // namespace calque::kernels
