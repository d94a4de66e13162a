// The innermost loop of products with weights in 4 bits. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/gemm_weights/float_rows.h"
#include "kernels/gemm_weights/unpack_loop.h"
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
    for (int64_t group = 0; group < tile.words; group += kInt4Group) {
      V scales[kVectors], least[kVectors];
      for (int n = 0; n < kVectors; ++n) {
        const typename Digits::Words header = Digits::load(b + n * kWidth);
        scales[n] = Digits::low_half(header);
        least[n] = Digits::high_half(header);
      }
      b += kVectors * kWidth;
      for (int64_t i = group; i < group + kInt4Group; i += 8) {
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

/// The loop of WordKernels::first_tile. The words of digits that are multiplied next become float32 beside
/// the sums of those before: kVectors digits for each row of B.
template <class Digits>
struct FirstInt4Loop {
  template <int kRows, int kVectors>
  [[gnu::always_inline]] static inline void run(const WordTile& tile,
                                                typename Digits::Sum (&sums)[kRows][kVectors]) {
    constexpr int kRow = kVectors * Digits::kWidth;
    if (tile.words == 0) return;
    float* now = tile.unpacked;
#pragma GCC unroll 8
    for (int t = 0; t < 8; ++t) unpack<kVectors>(tile.b, 0, t, now);
    for (int64_t i = 0; i < tile.words; i += 8) {
      const int64_t ahead = i + 8 < tile.words ? i + 8 : i;
      float* const next = now + (ahead - i) * kRow;
#pragma GCC unroll 8
      for (int t = 0; t < 8; ++t) {
        add_outer<Digits>(tile, i + t, now + t * kRow, sums);
        unpack<kVectors>(tile.b, ahead, t, next);
      }
      now = next;
    }
  }

 private:
  /// Of the eight rows of B from row i, the kVectors digits that are at `part` when columns go before rows.
  template <int kVectors>
  [[gnu::always_inline]] static inline void unpack(const uint32_t* panel, int64_t i, int part, float* to) {
    using V = typename Digits::V;
    constexpr int kWidth = Digits::kWidth;
    constexpr int kRow = kVectors * kWidth;
    const uint32_t* const group = panel + i / kInt4Group * kInt4GroupWords * kRow;
    const uint32_t* const digits = group + (1 + i % kInt4Group / 8) * kRow;
    V weights[kVectors];
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) {
      const int n = (part * kVectors + v) / 8, t = (part * kVectors + v) % 8;
      const typename Digits::Words header = Digits::load(group + n * kWidth);
      const V digit = Digits::digit(Digits::load(digits + n * kWidth), t);
      weights[v] = V::fma(digit, Digits::low_half(header), Digits::high_half(header));
    }
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) {
      const int n = (part * kVectors + v) / 8, t = (part * kVectors + v) % 8;
      V::store(to + t * kRow + n * kWidth, weights[v]);
    }
  }
};

}  // namespace calque::kernels
