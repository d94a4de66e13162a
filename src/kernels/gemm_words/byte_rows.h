// Rows of A as unsigned bytes. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// V: vector type; Bytes::store(p, x, inverse, zero_point) stores 4 * kWidth bytes
/// clamp(round(x * inverse) + zero_point, 0, 255), halves to even, and anything for NaN.
template <class V, class Bytes>
class ByteRows {
 public:
  /// WordKernels::pack_row. The same for every V: least and greatest do not depend on the order, and nothing
  /// is rounded but products.
  static RowQuantization pack(int64_t k, const float* x, const float* factors, uint32_t* words) {
    return factors == nullptr ? run<false>(k, x, factors, words) : run<true>(k, x, factors, words);
  }

 private:
  static constexpr int kVectors = 4;  // independent chains
  static constexpr int kBlock = kVectors * V::kWidth;

  struct Range {
    V low = V::zero();
    V high = V::zero();
    V poison = V::zero();  // becomes NaN, and stays so, at NaN and infinity
  };

  template <bool kFactors>
  [[gnu::always_inline]] static inline V load(const float* x, const float* factors) {
    return kFactors ? V::mul(V::load(x), V::load(factors)) : V::load(x);
  }

  template <bool kFactors>
  [[gnu::always_inline]] static inline void extend(Range (&ranges)[kVectors], const float* x,
                                                   const float* factors) {
    for (int v = 0; v < kVectors; ++v) {
      const V value = load<kFactors>(x + v * V::kWidth, factors + v * V::kWidth);
      ranges[v].low = V::min(value, ranges[v].low);
      ranges[v].high = V::max(value, ranges[v].high);
      ranges[v].poison = V::fma(value, V::zero(), ranges[v].poison);
    }
  }

  template <bool kFactors>
  [[gnu::always_inline]] static inline void quantize(const RowScale& scale, const float* x,
                                                     const float* factors, uint8_t* bytes) {
    V values[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      values[v] = load<kFactors>(x + v * V::kWidth, factors + v * V::kWidth);
    }
    Bytes::store(bytes, values, V::set(scale.inverse), scale.quantization.zero_point);
  }

  static RowScale scale_of(Range (&ranges)[kVectors]) {
    Range all = ranges[0];
    for (int v = 1; v < kVectors; ++v) {
      all.low = V::min(all.low, ranges[v].low);
      all.high = V::max(all.high, ranges[v].high);
      all.poison = V::add(all.poison, ranges[v].poison);
    }
    const float low = -V::largest(V::sub(V::zero(), all.low));
    return row_scale(low, V::largest(all.high), V::sum(all.poison) == 0);
  }

  template <bool kFactors>
  static RowQuantization run(int64_t k, const float* x, const float* factors, uint32_t* words) {
    const int64_t whole = k / kBlock * kBlock;
    const int64_t rest = k - whole;
    float rest_x[kBlock] = {};
    float rest_factors[kBlock] = {};
    for (int64_t i = 0; i < rest; ++i) {
      rest_x[i] = x[whole + i];
      if (kFactors) rest_factors[i] = factors[whole + i];
    }
    Range ranges[kVectors];
    for (int64_t i = 0; i < whole; i += kBlock) extend<kFactors>(ranges, x + i, kFactors ? factors + i : x);
    if (rest > 0) extend<kFactors>(ranges, rest_x, rest_factors);
    const RowScale scale = scale_of(ranges);
    auto* const bytes = reinterpret_cast<uint8_t*>(words);
    for (int64_t i = 0; i < whole; i += kBlock)
      quantize<kFactors>(scale, x + i, kFactors ? factors + i : x, bytes + i);
    if (rest > 0) {
      uint8_t rest_bytes[kBlock];
      quantize<kFactors>(scale, rest_x, rest_factors, rest_bytes);
      if (k % 4 != 0) words[k / 4] = 0;
      for (int64_t i = 0; i < rest; ++i) bytes[whole + i] = rest_bytes[i];
    }
    return scale.quantization;
  }
};

}  // namespace calque::kernels
