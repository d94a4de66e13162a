// Layer normalisation for vectors of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/layer_norm/layer_norm_kernels.h"

namespace calque::kernels {

template <class V>
struct LayerNormOps {
  // Two passes, the second of which also corrects the mean's rounding (Chan, Golub and LeVeque 1983): rows
  // far away from zero keep their variance.
  static void row(const NormRow& given) {
    const NormRow args = given;  // stores of vectors could change what is behind a reference
    const int64_t n = args.n;
    const float count = static_cast<float>(n);
    const float rough = (args.residual == nullptr ? row_sum<false>(args) : row_sum<true>(args)) / count;
    const float* const x = normalised(args);
    const Moments moments = centred(n, x, V::set(rough));
    // Squares of large elements overflow; rows that are not finite end up here, too. The copy stays in
    // registers.
    if (!(moments.squares <= kLargest)) [[unlikely]]
      return layer_norm_in_double(given, x);
    const float shift = moments.sum / count;
    float variance = moments.squares / count - shift * shift;
    if (variance < 0) variance = 0;
    const V scale = V::set(1.0F / __builtin_sqrtf(variance + args.eps));
    const Affine affine{V::set(rough), V::set(shift), scale};
    if (args.weight == nullptr) {
      args.bias == nullptr ? finish_row<false, false>(args, x, affine)
                           : finish_row<false, true>(args, x, affine);
    } else {
      args.bias == nullptr ? finish_row<true, false>(args, x, affine)
                           : finish_row<true, true>(args, x, affine);
    }
  }

  static void rms_row(const NormRow& given) {
    const NormRow args = given;
    const int64_t n = args.n;
    const float squares = args.residual == nullptr ? row_squares<false>(args) : row_squares<true>(args);
    const float* const x = normalised(args);
    const V scale = V::set(1.0F / __builtin_sqrtf(squares / static_cast<float>(n) + args.eps));
    const Affine affine{V::zero(), V::zero(), scale};
    args.weight == nullptr ? finish_row<false, false, false>(args, x, affine)
                           : finish_row<true, false, false>(args, x, affine);
  }

  static constexpr LayerNormKernels kKernels{row, rms_row};

 private:
  struct Moments {
    float sum;
    float squares;
  };
  static constexpr float kLargest = 3.40282347e38F;
  static constexpr int64_t kStep = 4 * V::kWidth;

  [[gnu::always_inline]] static inline int rest(int64_t n, int64_t i) {
    return static_cast<int>(n - i < V::kWidth ? n - i : V::kWidth);
  }

  // Where the first pass leaves what is normalised.
  static const float* normalised(const NormRow& args) {
    if (args.residual == nullptr) return args.x;
    return args.sum != nullptr ? args.sum : args.y;
  }

  // A vector's worth, or with kFull false the rest of the row.
  template <bool kFull>
  [[gnu::always_inline]] static inline V load(const float* x, int64_t n, int64_t i) {
    return kFull ? V::load(x + i) : V::load_first(x + i, rest(n, i));
  }
  template <bool kFull>
  [[gnu::always_inline]] static inline void store(float* y, int64_t n, int64_t i, V value) {
    kFull ? V::store(y + i, value) : V::store_first(y + i, rest(n, i), value);
  }

  struct Affine {
    V mean;
    V rest_of_mean;
    V scale;
  };

  template <bool kWeight, bool kBias, bool kCentre = true>
  [[gnu::always_inline]] static inline void finish_row(const NormRow& args, const float* x,
                                                       const Affine& affine) {
    int64_t i = 0;
    for (; i + V::kWidth <= args.n; i += V::kWidth) finish<kWeight, kBias, kCentre, true>(args, x, affine, i);
    if (i < args.n) finish<kWeight, kBias, kCentre, false>(args, x, affine, i);
  }

  template <bool kWeight, bool kBias, bool kCentre, bool kFull>
  [[gnu::always_inline]] static inline void finish(const NormRow& args, const float* x, const Affine& affine,
                                                   int64_t i) {
    V value = load<kFull>(x, args.n, i);
    if constexpr (kCentre) value = V::sub(V::sub(value, affine.mean), affine.rest_of_mean);
    value = V::mul(value, affine.scale);
    if constexpr (kWeight) value = V::mul(value, load<kFull>(args.weight, args.n, i));
    if constexpr (kBias) value = V::add(value, load<kFull>(args.bias, args.n, i));
    store<kFull>(args.y, args.n, i, value);
  }

  // Elements i.. of x, or of x + residual, which then are stored.
  template <bool kAdd, bool kFull>
  [[gnu::always_inline]] static inline V next(const NormRow& args, int64_t i, float* to) {
    V value = load<kFull>(args.x, args.n, i);
    if constexpr (kAdd) {
      value = V::add(value, load<kFull>(args.residual, args.n, i));
      store<kFull>(to, args.n, i, value);
    }
    return value;
  }

  template <bool kAdd>
  [[gnu::always_inline]] static inline float row_sum(const NormRow& args) {
    float* const to = args.sum != nullptr ? args.sum : args.y;
    V sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
    int64_t i = 0;
    for (; i + kStep <= args.n; i += kStep) {
      for (int j = 0; j < 4; ++j) {
        sums[j] = V::add(sums[j], next<kAdd, true>(args, i + j * V::kWidth, to));
      }
    }
    for (; i < args.n; i += V::kWidth) sums[0] = V::add(sums[0], next<kAdd, false>(args, i, to));
    return V::sum(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
  }

  template <bool kAdd>
  [[gnu::always_inline]] static inline float row_squares(const NormRow& args) {
    float* const to = args.sum != nullptr ? args.sum : args.y;
    V sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
    int64_t i = 0;
    for (; i + kStep <= args.n; i += kStep) {
      for (int j = 0; j < 4; ++j) {
        const V value = next<kAdd, true>(args, i + j * V::kWidth, to);
        sums[j] = V::fma(value, value, sums[j]);
      }
    }
    for (; i < args.n; i += V::kWidth) {
      const V value = next<kAdd, false>(args, i, to);
      sums[0] = V::fma(value, value, sums[0]);
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
      const int count = rest(n, i);
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
