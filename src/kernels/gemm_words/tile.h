// The innermost loops of products over words. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/gemm_words/word_kernels.h"
#include "kernels/read_ahead.h"

namespace calque::kernels {

/// The sums of a tile over all words of a row, one word after another. Dot: how words are multiplied; see
/// avx512.cc. Rows of B are Dot::kRowWords words for each vector.
template <class Dot>
struct WordLoop {
  template <int kRows, int kVectors>
  [[gnu::always_inline]] static inline void run(const WordTile& tile,
                                                typename Dot::Sum (&sums)[kRows][kVectors]) {
    constexpr int kStepBytes = kVectors * Dot::kRowWords * 4;
    const uint32_t* b = tile.b;
    for (int64_t i = 0; i < tile.words; ++i) {
      typename Dot::B bs[kVectors];
      if constexpr (kRows <= kStreamedRows) read_pages_ahead<kStepBytes>(b);
      for (int n = 0; n < kVectors; ++n) bs[n] = Dot::load(b + n * Dot::kRowWords);
      for (int r = 0; r < kRows; ++r) {
        const typename Dot::A as = Dot::broadcast(tile.a + r * tile.a_row + i);
        for (int n = 0; n < kVectors; ++n) sums[r][n] = Dot::add(sums[r][n], as, bs[n]);
      }
      b += kVectors * Dot::kRowWords;
    }
  }
};

/// What the sum stands for + bias + residual, in row r and columns [col, col + count) of the tile. `bias`: of
/// these columns.
template <class Dot>
[[gnu::always_inline]] inline typename Dot::V finished(const WordTile& tile, int r, int col, int count,
                                                       const typename Dot::Sum& sum,
                                                       const typename Dot::V& bias) {
  using V = typename Dot::V;
  const V value = Dot::finish(tile, r, col, count, sum, bias);
  if (tile.residual == nullptr) return value;
  return V::add(value, V::load_first(tile.residual + r * tile.residual_row + col, count));
}

template <class Dot>
[[gnu::always_inline]] inline typename Dot::V bias_of(const WordTile& tile, int col, int count) {
  return tile.bias == nullptr ? Dot::V::zero() : Dot::V::load_first(tile.bias + col, count);
}

/// One row and one vector of columns of c.
template <class Dot>
[[gnu::always_inline]] inline void finish_vector(const WordTile& tile, int r, int col, int count,
                                                 const typename Dot::Sum& sum) {
  Dot::V::store_first(tile.c + r * tile.c_row + col, count,
                      finished<Dot>(tile, r, col, count, sum, bias_of<Dot>(tile, col, count)));
}

/// kMaxRows x kMaxVectors: the largest tile; its sums, kMaxVectors of B and one of A must fit into the
/// registers. Loop: what fills the sums.
template <class Dot, int kMaxRows, int kMaxVectors, class Loop = WordLoop<Dot>>
class WordTiles {
 public:
  static constexpr int kMr = kMaxRows;
  static constexpr int kWidth = Dot::kWidth;
  static constexpr int kNr = kMaxVectors * kWidth;

  static void run(const WordTile& tile) {
    const int vectors = (tile.cols + kWidth - 1) / kWidth;
    kTable.runs[(tile.rows - 1) * kMaxVectors + vectors - 1](tile);
  }

 private:
  template <int kRows, int kVectors>
  static void run_tile(const WordTile& tile) {
    typename Dot::Sum sums[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int n = 0; n < kVectors; ++n) {
        sums[r][n] = Dot::zero();
        __builtin_prefetch(tile.c + r * tile.c_row + n * kWidth, 1);
        if (tile.residual != nullptr) __builtin_prefetch(tile.residual + r * tile.residual_row + n * kWidth);
      }
    }
    Loop::template run<kRows, kVectors>(tile, sums);
#pragma GCC unroll 3
    for (int n = 0; n + 1 < kVectors; ++n) finish_columns<true>(tile, n, sums);
    if (tile.cols == kVectors * kWidth) {
      finish_columns<true>(tile, kVectors - 1, sums);
    } else {
      finish_columns<false>(tile, kVectors - 1, sums);
    }
  }

  /// One vector of all rows. What belongs to its columns is loaded once, since nothing is stored before the
  /// last row has used it.
  template <bool kWhole, int kRows, int kVectors>
  [[gnu::always_inline]] static inline void finish_columns(const WordTile& tile, int n,
                                                           typename Dot::Sum (&sums)[kRows][kVectors]) {
    using V = typename Dot::V;
    const int col = n * kWidth;
    const int count = kWhole ? kWidth : tile.cols - col;
    const V bias = bias_of<Dot>(tile, col, count);
    V values[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) values[r] = finished<Dot>(tile, r, col, count, sums[r][n], bias);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      float* const c = tile.c + r * tile.c_row + col;
      if constexpr (kWhole) {
        V::store(c, values[r]);
      } else {
        V::store_first(c, count, values[r]);
      }
    }
  }

  using Run = void (*)(const WordTile&);
  struct Table {
    Run runs[kMaxRows * kMaxVectors];
  };
  template <int... kIndex>
  static constexpr Table make_table(std::integer_sequence<int, kIndex...>) {
    return {{run_tile<kIndex / kMaxVectors + 1, kIndex % kMaxVectors + 1>...}};
  }
  static constexpr Table kTable = make_table(std::make_integer_sequence<int, kMaxRows * kMaxVectors>());
};

}  // namespace calque::kernels
