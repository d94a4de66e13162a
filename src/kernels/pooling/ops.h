// Pooling for vectors of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/pooling/pooling_kernels.h"

namespace calque::kernels {

template <class V>
class PoolingOps {
 public:
  static constexpr PoolingKernels kernels() { return {mean, normalise}; }

 private:
  static constexpr int kVectors = 8;

  static void mean(const PoolColumns& given) {
    const PoolColumns columns = given;  // stores of vectors could change what is behind a reference
    int64_t c = 0;
    for (; c + kVectors * V::kWidth <= columns.cols; c += kVectors * V::kWidth) {
      mean_block<kVectors>(columns, c, V::kWidth);
    }
    for (; c + V::kWidth <= columns.cols; c += V::kWidth) mean_block<1>(columns, c, V::kWidth);
    if (c < columns.cols) mean_block<1>(columns, c, static_cast<int>(columns.cols - c));
  }

  // kBlock vectors of columns, of which the last has `last` elements.
  template <int kBlock>
  [[gnu::always_inline]] static inline void mean_block(const PoolColumns& columns, int64_t c, int last) {
    V sums[kBlock];
    for (int n = 0; n < kBlock; ++n) sums[n] = V::zero();
    const float* x = columns.x + c;
    for (int64_t r = 0; r < columns.rows; ++r, x += columns.stride) {
      if (columns.mask != nullptr && columns.mask[r] == 0) continue;
      for (int n = 0; n < kBlock; ++n)
        sums[n] = V::add(sums[n], load(x + n * V::kWidth, kBlock > 1 ? V::kWidth : last));
    }
    const V divisor = V::set(columns.divisor);
    for (int n = 0; n < kBlock; ++n) {
      store(columns.out + c + n * V::kWidth, kBlock > 1 ? V::kWidth : last, V::div(sums[n], divisor));
    }
  }

  [[gnu::always_inline]] static inline V load(const float* x, int count) {
    return count == V::kWidth ? V::load(x) : V::load_first(x, count);
  }
  [[gnu::always_inline]] static inline void store(float* x, int count, V value) {
    count == V::kWidth ? V::store(x, value) : V::store_first(x, count, value);
  }

  static void normalise(int64_t n, float eps, float* x) {
    V sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
    int64_t i = 0;
    for (; i + 4 * V::kWidth <= n; i += 4 * V::kWidth) {
      for (int j = 0; j < 4; ++j) {
        const V value = V::load(x + i + j * V::kWidth);
        sums[j] = V::fma(value, value, sums[j]);
      }
    }
    for (; i < n; i += V::kWidth) {
      const V value = V::load_first(x + i, rest(n, i));
      sums[0] = V::fma(value, value, sums[0]);
    }
    const float norm = __builtin_sqrtf(V::sum(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3]))));
    const V divisor = V::set(norm < eps ? eps : norm);
    for (i = 0; i + V::kWidth <= n; i += V::kWidth) V::store(x + i, V::div(V::load(x + i), divisor));
    if (i < n) V::store_first(x + i, rest(n, i), V::div(V::load_first(x + i, rest(n, i)), divisor));
  }

  [[gnu::always_inline]] static inline int rest(int64_t n, int64_t i) {
    return static_cast<int>(n - i < V::kWidth ? n - i : V::kWidth);
  }
};

}  // namespace calque::kernels
