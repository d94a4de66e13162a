// Layer normalisation for vectors of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/layer_norm/layer_norm_kernels.h"

namespace calque::kernels {

template <class V>
struct LayerNormOps {
  // Two passes, the second of which also corrects the mean's rounding (Chan, Golub and LeVeque 1983): rows
  // far away from zero keep their variance.
  static void row(int64_t n, const float* x, const float* weight, const float* bias, float eps, float* y) {
    const float count = static_cast<float>(n);
    const float rough = row_sum(n, x) / count;
    const Moments moments = centred(n, x, V::set(rough));
    const float shift = moments.sum / count;
    float variance = moments.squares / count - shift * shift;
    if (variance < 0) variance = 0;
    const V scale = V::set(1.0F / __builtin_sqrtf(variance + eps));
    const V mean = V::set(rough);
    const V rest_of_mean = V::set(shift);
    int64_t i = 0;
    for (; i < n; i += V::kWidth) {
      const int count_here = static_cast<int>(n - i < V::kWidth ? n - i : V::kWidth);
      V value = V::sub(V::sub(V::load_first(x + i, count_here), mean), rest_of_mean);
      value = V::mul(value, scale);
      if (weight != nullptr) value = V::mul(value, V::load_first(weight + i, count_here));
      if (bias != nullptr) value = V::add(value, V::load_first(bias + i, count_here));
      V::store_first(y + i, count_here, value);
    }
  }

  static constexpr LayerNormKernels kKernels{row};

 private:
  struct Moments {
    float sum;
    float squares;
  };
  static constexpr int64_t kStep = 4 * V::kWidth;

  static float row_sum(int64_t n, const float* x) {
    V sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) {
      for (int j = 0; j < 4; ++j) sums[j] = V::add(sums[j], V::load(x + i + j * V::kWidth));
    }
    for (; i < n; i += V::kWidth) {
      sums[0] =
          V::add(sums[0], V::load_first(x + i, static_cast<int>(n - i < V::kWidth ? n - i : V::kWidth)));
    }
    return V::sum(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
  }

  static Moments centred(int64_t n, const float* x, V mean) {
    V sums[2] = {V::zero(), V::zero()};
    V squares[2] = {V::zero(), V::zero()};
    int64_t i = 0;
    for (; i + 2 * V::kWidth <= n; i += 2 * V::kWidth) {
      for (int j = 0; j < 2; ++j) add(V::sub(V::load(x + i + j * V::kWidth), mean), sums[j], squares[j]);
    }
    for (; i < n; i += V::kWidth) {
      const int count = static_cast<int>(n - i < V::kWidth ? n - i : V::kWidth);
      add(V::first_of(count, V::sub(V::load_first(x + i, count), mean), V::zero()), sums[0], squares[0]);
    }
    return {V::sum(V::add(sums[0], sums[1])), V::sum(V::add(squares[0], squares[1]))};
  }

  [[gnu::always_inline]] static inline void add(V difference, V& sum, V& squares) {
    sum = V::add(sum, difference);
    squares = V::fma(difference, difference, squares);
  }
};

}  // namespace calque::kernels
