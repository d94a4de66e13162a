// The loops of attention for vectors of simd/. The rules of simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_kernels.h"

namespace calque::kernels {

template <class V>
struct FloatWords {
  [[gnu::always_inline]] static inline V add(V a, V b, V sum) { return V::fma(a, b, sum); }
};

/// kSums, some vectors of B and one of A must fit into the registers. A tile has at most kRows rows, and as
/// many vectors of columns as its sums allow, but no more than kMaxVectors. kFused: V::fma rounds once.
/// Words: how words are multiplied.
template <class V, int kRows, int kSums, bool kFused, class Words = FloatWords<V>>
class AttentionOps {
 public:
  using PackKeys = void (*)(int64_t, int64_t, const float*, int64_t, float*, int64_t);

  /// Of floats.
  static constexpr AttentionKernels kernels(PackKeys pack_keys) {
    AttentionKernels kernels{};
    kernels.rows = kRows;
    kernels.panel = kSums / kRows * V::kWidth;
    kernels.width = V::kWidth;
    kernels.word = 1;
    kernels.tile = run;
    kernels.pack_row = pack_row;
    kernels.pack_keys = pack_keys;
    kernels.pack_values = pack_values;
    kernels.scale_and_max = scale_and_max;
    kernels.exp_and_sum = exp_and_sum;
    return kernels;
  }

 private:
  static constexpr int kMaxVectors = 4;
  static_assert(kRows <= kMaxAttentionRows);
  static_assert(kAttentionKeys % (kSums / kRows * V::kWidth) == 0);

  static void run(const AttentionTile& tile) {
    const int64_t vectors = (tile.cols + V::kWidth - 1) / V::kWidth;
    const int64_t most = kSums / tile.rows < kMaxVectors ? kSums / tile.rows : kMaxVectors;
    const int64_t parts = (vectors + most - 1) / most;
    int64_t done = 0;
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t here = vectors * (part + 1) / parts - done;
      kTable.runs[(tile.rows - 1) * kMaxVectors + here - 1](tile, done * V::kWidth);
      done += here;
    }
  }

  template <int kTileRows, int kVectors>
  static void run_part(const AttentionTile& tile, int64_t col) {
    V sums[kTileRows][kVectors];
    const int last = static_cast<int>(
        tile.cols - col < kVectors * V::kWidth ? tile.cols - col - (kVectors - 1) * V::kWidth : V::kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) start_row<kVectors>(tile, r, col, last, sums[r]);
    const float* a = tile.a;
    const float* b = tile.b + col;
    for (int64_t i = 0; i < tile.k; ++i) {
      V bs[kVectors];
#pragma GCC unroll 4
      for (int n = 0; n < kVectors; ++n) bs[n] = V::load(b + n * V::kWidth);
#pragma GCC unroll 16
      for (int r = 0; r < kTileRows; ++r) {
        const V as = V::broadcast(a + r * kAttentionRow);
#pragma GCC unroll 4
        for (int n = 0; n < kVectors; ++n) sums[r][n] = Words::add(as, bs[n], sums[r][n]);
      }
      ++a;
      b += tile.b_row;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) finish_row<kVectors>(tile, r, col, last, sums[r]);
  }

  template <int kVectors>
  [[gnu::always_inline]] static inline void start_row(const AttentionTile& tile, int r, int64_t col, int last,
                                                      V (&sums)[kVectors]) {
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) {
      sums[n] = V::zero();
      if (tile.initial == nullptr) continue;
      const int count = n + 1 < kVectors ? V::kWidth : last;
      sums[n] = V::load_first(tile.initial + r * tile.initial_row + col + n * V::kWidth, count);
      if (tile.initial_factor != nullptr) sums[n] = V::mul(sums[n], V::set(tile.initial_factor[r]));
    }
  }

  template <int kVectors>
  [[gnu::always_inline]] static inline void finish_row(const AttentionTile& tile, int r, int64_t col,
                                                       int last, V (&sums)[kVectors]) {
#pragma GCC unroll 4
    for (int n = 0; n < kVectors; ++n) {
      const int count = n + 1 < kVectors ? V::kWidth : last;
      V value = sums[n];
      if (tile.factor != nullptr) value = V::mul(value, V::set(tile.factor[r]));
      V::store_first(tile.out + r * tile.out_row + col + n * V::kWidth, count, value);
    }
  }

  using Run = void (*)(const AttentionTile&, int64_t);
  struct Table {
    Run runs[kRows * kMaxVectors] = {};
  };
  template <int kIndex>
  static constexpr void fill(Table& table) {
    if constexpr (kIndex < kRows * kMaxVectors) {
      constexpr int kTileRows = kIndex / kMaxVectors + 1;
      constexpr int kVectors = kIndex % kMaxVectors + 1;
      if constexpr (kTileRows * kVectors <= kSums) table.runs[kIndex] = run_part<kTileRows, kVectors>;
      fill<kIndex + 1>(table);
    }
  }
  static constexpr Table make_table() {
    Table table;
    fill<0>(table);
    return table;
  }
  static constexpr Table kTable = make_table();

  static void pack_row(int64_t n, const float* x, float* words) {
    int64_t i = 0;
    for (; i + V::kWidth <= n; i += V::kWidth) V::store(words + i, V::load(x + i));
    if (i < n)
      V::store_first(words + i, static_cast<int>(n - i), V::load_first(x + i, static_cast<int>(n - i)));
  }

  static void pack_values(int64_t keys, int64_t cols, const float* v, int64_t ld, float* packed,
                          int64_t row) {
    for (int64_t j = 0; j < keys; ++j, v += ld, packed += row) {
      int64_t c = 0;
      for (; c + V::kWidth <= cols; c += V::kWidth) V::store(packed + c, V::load(v + c));
      if (c < cols) V::store(packed + c, V::load_first(v + c, static_cast<int>(cols - c)));
    }
  }

  static float scale_and_max(int64_t n, float scale, const float* mask, float same, float* x) {
    return mask != nullptr ? scale_row<true>(n, scale, mask, same, x)
                           : scale_row<false>(n, scale, mask, same, x);
  }

  template <bool kMask>
  static float scale_row(int64_t n, float scale, const float* mask, float same, float* x) {
    const V factor = V::set(scale);
    const V lowest = V::set(-__builtin_inff());
    const V addend = V::set(same);
    V max[2] = {lowest, lowest};
    int64_t i = 0;
    for (; i + 2 * V::kWidth <= n; i += 2 * V::kWidth) {
      for (int j = 0; j < 2; ++j) {
        const V value = V::fma(V::load(x + i + j * V::kWidth), factor,
                               kMask ? V::load(mask + i + j * V::kWidth) : addend);
        V::store(x + i + j * V::kWidth, value);
        max[j] = V::max(value, max[j]);
      }
    }
    for (; i < n; i += V::kWidth) {
      const int count = static_cast<int>(n - i < V::kWidth ? n - i : V::kWidth);
      const V value =
          V::fma(V::load_first(x + i, count), factor, kMask ? V::load_first(mask + i, count) : addend);
      V::store_first(x + i, count, value);
      max[0] = V::max(V::first_of(count, value, lowest), max[0]);
    }
    return V::largest(V::max(max[0], max[1]));
  }

  static float exp_and_sum(int64_t n, float max, float* x) {
    const V shift = V::set(max);
    V sums[2] = {V::zero(), V::zero()};
    int64_t i = 0;
    for (; i + 2 * V::kWidth <= n; i += 2 * V::kWidth) {
      for (int j = 0; j < 2; ++j) {
        const V e = exp(V::sub(V::load(x + i + j * V::kWidth), shift));
        V::store(x + i + j * V::kWidth, e);
        sums[j] = V::add(sums[j], e);
      }
    }
    for (; i < n; i += V::kWidth) {
      const int count = static_cast<int>(n - i < V::kWidth ? n - i : V::kWidth);
      const V e = exp(V::sub(V::load_first(x + i, count), shift));
      V::store_first(x + i, count, e);
      sums[0] = V::add(sums[0], V::first_of(count, e, V::zero()));
    }
    return V::sum(V::add(sums[0], sums[1]));
  }

  // e^x = 2^n e^r for x <= 0, |r| <= ln(2)/2, with a polynomial of least greatest error (Remez). In one part,
  // ln(2) is off by less than 2^-29, which n makes an error of 2^-24 at e^-20.
  [[gnu::always_inline]] static inline V exp(V x) {
    x = V::max(V::set(-104.0F), x);  // in this order of arguments NaN passes
    const V n = V::round(V::mul(x, V::set(1.44269504F)));
    V r{};
    if constexpr (kFused) {
      r = V::fnma(n, V::set(0.693147182F), x);
    } else {
      r = V::fnma(n, V::set(0x1.7f7d1cp-20F), V::fnma(n, V::set(0x1.62e4p-1F), x));
    }
    V p = V::set(0x1.0fa7d8p-7F);
    p = V::fma(p, r, V::set(0x1.573adp-5F));
    p = V::fma(p, r, V::set(0x1.555a6ep-3F));
    p = V::fma(p, r, V::set(0x1.fffdc4p-2F));
    p = V::fma(p, r, V::set(0x1.fffff6p-1F));
    p = V::fma(p, r, V::set(1.0F));
    return V::scale(p, n);
  }
};

}  // namespace calque::kernels
