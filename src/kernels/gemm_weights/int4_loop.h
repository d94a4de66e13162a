// The innermost loop of products with weights in 4 bits. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// A panel holds, for each 32 rows of B, one word per column with the scale (lower half) and the least value
/// (upper half) in bfloat16, then four words per column with eight digits each. Digits: how they are read;
/// see avx512.cc.
template <class Digits>
struct Int4Loop {
  template <int kRows, int kVectors>
  [[gnu::always_inline]] static inline void run(const WordTile& tile,
                                                typename Digits::Sum (&sums)[kRows][kVectors]) {
    using V = typename Digits::V;
    constexpr int kWidth = Digits::kWidth;
    const uint32_t* b = tile.b;
    for (int64_t group = 0; group < tile.words; group += 32) {
      V scales[kVectors], least[kVectors];
      for (int n = 0; n < kVectors; ++n) {
        const typename Digits::Words header = Digits::load(b + n * kWidth);
        scales[n] = Digits::low_half(header);
        least[n] = Digits::high_half(header);
      }
      b += kVectors * kWidth;
      for (int64_t i = group; i < group + 32; i += 8) {
        typename Digits::Words words[kVectors];
        for (int n = 0; n < kVectors; ++n) words[n] = Digits::load(b + n * kWidth);
        b += kVectors * kWidth;
#pragma GCC unroll 8
        for (int t = 0; t < 8; ++t) {
          V weights[kVectors];
          for (int n = 0; n < kVectors; ++n) {
            weights[n] = V::fma(Digits::digit(words[n], t), scales[n], least[n]);
          }
          for (int r = 0; r < kRows; ++r) {
            const V a = Digits::broadcast(tile.a + r * tile.a_row + i + t);
            for (int n = 0; n < kVectors; ++n) sums[r][n] = V::fma(a, weights[n], sums[r][n]);
          }
        }
      }
    }
  }
};

}  // namespace calque::kernels
