// The kernels, generic in how a pair of integers is multiplied into the sums of a block.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/gemm_int8/gemm_int8_kernels.h"

namespace calque::kernels {

/// Sums: kInt8Columns sums of one row, with add(pair, block): `pair` holds two int16 of A, `block` the packed
/// pairs of the columns as Sums::Block has loaded them.
template <class Sums>
struct GemmInt8Ops {
  static int32_t quantize(int64_t n, const float* x, float inverse, int32_t zero_point, int16_t* q) {
    const float low = -static_cast<float>(zero_point);
    const float high = 255.0F - static_cast<float>(zero_point);
    int32_t sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float scaled = std::nearbyint(x[i] * inverse);
      const float at_least = scaled > low ? scaled : low;
      const float inside = at_least < high ? at_least : high;
      const int32_t value = static_cast<int32_t>(inside) + zero_point;
      q[i] = static_cast<int16_t>(value);
      sum += value;
    }
    return sum;
  }

  template <int kRows>
  static void rows(int64_t pairs, const int16_t* a, int64_t a_row, const int8_t* b, int32_t* sums) {
    Sums acc[kRows];
    for (int64_t p = 0; p < pairs; ++p) {
      const typename Sums::Block block(b + p * 2 * Sums::kColumns);
      for (int r = 0; r < kRows; ++r) {
        int32_t pair = 0;
        std::memcpy(&pair, a + r * a_row + 2 * p, sizeof pair);
        acc[r].add(pair, block);
      }
    }
    for (int r = 0; r < kRows; ++r) acc[r].store(sums + r * Sums::kColumns);
  }

  static void tile(int64_t count, int64_t pairs, const int16_t* a, int64_t a_row, const int8_t* b,
                   int32_t* sums) {
    switch (count) {
      case 1:
        return rows<1>(pairs, a, a_row, b, sums);
      case 2:
        return rows<2>(pairs, a, a_row, b, sums);
      case 3:
        return rows<3>(pairs, a, a_row, b, sums);
      default:
        return rows<kInt8Rows>(pairs, a, a_row, b, sums);
    }
  }

  static void finish(const Int8Finish& how, int32_t row_sum, const int32_t* sums, float* c) {
    // The result fits in int32; what leads to it may wrap around.
    const auto a_zero_point = static_cast<uint32_t>(how.a_zero_point);
    for (int64_t j = 0; j < how.columns; ++j) {
      const uint32_t left_out = a_zero_point * static_cast<uint32_t>(how.offsets[j]) +
                                static_cast<uint32_t>(how.zero_points[j]) * static_cast<uint32_t>(row_sum);
      const auto exact = static_cast<int32_t>(static_cast<uint32_t>(sums[j]) - left_out);
      const float scale = how.a_scale * how.scales[j];
      const float value =
          std::fma(static_cast<float>(exact), scale, how.bias == nullptr ? 0.0F : how.bias[j]);
      c[j] = how.relu && value < 0 ? 0.0F : value;
    }
  }

  static constexpr GemmInt8Kernels kKernels{&quantize, &tile, &finish};
};

}  // namespace calque::kernels
