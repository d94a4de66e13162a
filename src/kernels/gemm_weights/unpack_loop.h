// Products with few bits for each weight and more rows than a tile has: the first tile of rows makes float32
// of a panel's weights, and the others read that. Each element is summed as by the
// loops that keep weights in registers, so that a row has the same bits in whatever tile it is. The rules of
// simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/gemm_words/tile.h"
#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// One row of B, in float32, times one column of A.
template <class Weights, int kRows, int kVectors>
[[gnu::always_inline]] inline void add_outer(const WordTile& tile, int64_t i, const float* b,
                                             typename Weights::Sum (&sums)[kRows][kVectors]) {
  using V = typename Weights::V;
  V bs[kVectors];
  for (int n = 0; n < kVectors; ++n) bs[n] = V::load(b + n * Weights::kWidth);
  for (int r = 0; r < kRows; ++r) {
    const typename Weights::A a = Weights::broadcast(tile.a + r * tile.a_row + i);
    for (int n = 0; n < kVectors; ++n) sums[r][n] = V::fma(a, bs[n], sums[r][n]);
  }
}

/// The loop of WordKernels::first_tile for 8 bits.
template <class Weights>
struct FirstInt8Loop {
  template <int kRows, int kVectors>
  [[gnu::always_inline]] static inline void run(const WordTile& tile,
                                                typename Weights::Sum (&sums)[kRows][kVectors]) {
    constexpr int kWidth = Weights::kWidth;
    const uint32_t* b = tile.b;
    float* to = tile.unpacked;
    for (int64_t i = 0; i < tile.words; ++i) {
      for (int n = 0; n < kVectors; ++n)
        Weights::V::store(to + n * kWidth, Weights::load(b + n * Weights::kRowWords));
      add_outer<Weights>(tile, i, to, sums);
      b += kVectors * Weights::kRowWords;
      to += kVectors * kWidth;
    }
  }
};

/// The loop of WordKernels::next_tile.
template <class Weights>
struct NextLoop {
  template <int kRows, int kVectors>
  [[gnu::always_inline]] static inline void run(const WordTile& tile,
                                                typename Weights::Sum (&sums)[kRows][kVectors]) {
    const float* b = tile.unpacked;
    for (int64_t i = 0; i < tile.words; ++i) {
      add_outer<Weights>(tile, i, b, sums);
      b += kVectors * Weights::kWidth;
    }
  }
};

/// The kernels of one instruction set. Few: WordTiles for at most Few::kMr rows.
template <class Few, class Weights, class First, int kMaxRows, int kMaxVectors>
constexpr WordKernels unpacking_kernels(decltype(WordKernels::pack_row) pack_row) {
  using Next = WordTiles<Weights, kMaxRows, kMaxVectors, NextLoop<Weights>>;
  static_assert(Few::kNr == Next::kNr);
  WordKernels kernels{kMaxRows, Next::kNr, Next::kWidth, Few::run, pack_row};
  kernels.first_tile = WordTiles<Weights, kMaxRows, kMaxVectors, First>::run;
  kernels.next_tile = Next::run;
  kernels.few_rows = Few::kMr;
  return kernels;
}

}  // namespace calque::kernels
