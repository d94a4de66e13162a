// The innermost loops of matrix products, for any vector type of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/gemm/gemm_kernels.h"
#include "kernels/read_ahead.h"

namespace calque::kernels {

/// V: vector type; kMaxRows x kMaxVectors: the largest tile. kMaxRows * kMaxVectors sums, kMaxVectors of B
/// and one of A must fit into the registers.
template <class V, int kMaxRows, int kMaxVectors>
class TileKernels {
 public:
  using T = typename V::Element;
  static constexpr int kMr = kMaxRows;
  static constexpr int kNr = kMaxVectors * V::kWidth;
  static_assert(kNr <= kMaxGemmCols);

  static void run(const GemmTile<T>& tile) {
    const int vectors = (tile.cols + V::kWidth - 1) / V::kWidth;
    kTable.runs[(tile.rows - 1) * kMaxVectors + vectors - 1](tile);
  }

 private:
  template <int kRows, int kVectors>
  static void run_tile(const GemmTile<T>& tile) {
    V sums[kRows][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
      for (int n = 0; n < kVectors; ++n) sums[r][n] = V::zero();
      __builtin_prefetch(tile.out + r * tile.out_row, 1);
      if (tile.residual != nullptr) __builtin_prefetch(tile.residual + r * tile.residual_row);
    }
    constexpr int kStepBytes = kVectors * V::kWidth * static_cast<int>(sizeof(T));
    const T* a = tile.a;
    const T* b = tile.b;
    for (int64_t i = 0; i < tile.k; ++i) {
      V bs[kVectors];
      if constexpr (kRows <= kStreamedRows) read_pages_ahead<kStepBytes>(b);
#pragma GCC unroll 3
      for (int n = 0; n < kVectors; ++n) bs[n] = V::load(b + n * V::kWidth);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const V as = V::broadcast(a + r * kPackedRow);
#pragma GCC unroll 3
        for (int n = 0; n < kVectors; ++n) sums[r][n] = V::fma(as, bs[n], sums[r][n]);
      }
      ++a;
      b += kVectors * V::kWidth;
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) finish_row<kVectors>(tile, r, sums[r]);
  }

  template <int kVectors>
  [[gnu::always_inline]] static inline void finish_row(const GemmTile<T>& tile, int r, V (&sums)[kVectors]) {
#pragma GCC unroll 3
    for (int n = 0; n < kVectors; ++n) {
      const int col = n * V::kWidth;
      const int count = n + 1 < kVectors ? V::kWidth : tile.cols - col;
      V value = sums[n];
      if (tile.partial != nullptr)
        value = V::add(value, V::load_first(tile.partial + r * tile.partial_row + col, count));
      if (tile.last) value = finish(tile, r, col, count, value);
      V::store_first(tile.out + r * tile.out_row + col, count, value);
    }
  }

  [[gnu::always_inline]] static inline V finish(const GemmTile<T>& tile, int r, int col, int count, V value) {
    if (tile.alpha != 1) value = V::mul(value, V::set(tile.alpha));
    if (tile.beta != 0) {
      value = V::fma(V::set(tile.beta), V::load_first(tile.c + r * tile.c_row + col, count), value);
    }
    if (tile.bias != nullptr) value = V::add(value, V::load_first(tile.bias + col, count));
    if (tile.residual != nullptr)
      value = V::add(value, V::load_first(tile.residual + r * tile.residual_row + col, count));
    return value;
  }

  using Run = void (*)(const GemmTile<T>&);
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
