#include "kernels/gemm_int8/gemm_int8.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

int64_t blocks_of(int64_t n) { return (n + kInt8Columns - 1) / kInt8Columns; }
int64_t pairs_of(int64_t k) { return (k + 1) / 2; }

/// A as integers in rows of an even length, and the sum of each row.
struct QuantizedRows {
  AlignedBuffer<int16_t> values;
  std::vector<int32_t> sums;
  int64_t row = 0;
};

QuantizedRows quantize_rows(const GemmInt8Args& args) {
  QuantizedRows out;
  out.row = 2 * pairs_of(args.k);
  out.values = AlignedBuffer<int16_t>(static_cast<size_t>(args.m * out.row));
  out.sums.resize(static_cast<size_t>(args.m));
  const auto quantize = active_kernels().gemm_int8->quantize;
  const float inverse = 1.0F / args.a_quantization.scale;
  parallel_for(0, args.m, row_grain(args.k), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; ++r) {
      int16_t* q = out.values.data() + r * out.row;
      if (out.row > args.k) q[args.k] = 0;
      out.sums[static_cast<size_t>(r)] =
          quantize(args.k, args.a + r * args.a_row, inverse, args.a_quantization.zero_point, q);
    }
  });
  return out;
}

/// The columns of one block.
Int8Finish columns_from(const GemmInt8Args& args, int64_t column) {
  return {.columns = std::min(kInt8Columns, args.n - column),
          .a_scale = args.a_quantization.scale,
          .a_zero_point = args.a_quantization.zero_point,
          .scales = args.b_scales + column,
          .zero_points = args.b_zero_points + column,
          .offsets = args.b_offsets + column,
          .bias = args.bias == nullptr ? nullptr : args.bias + column,
          .relu = args.relu};
}

}  // namespace

int64_t packed_int8_bytes(int64_t k, int64_t n) { return blocks_of(n) * kInt8Columns * 2 * pairs_of(k); }

void pack_int8(int64_t k, int64_t n, const int8_t* w, int8_t* packed) {
  const int64_t block_bytes = kInt8Columns * 2 * pairs_of(k);
  std::fill_n(packed, packed_int8_bytes(k, n), int8_t{0});
  for (int64_t row = 0; row < n; ++row) {
    int8_t* to = packed + row / kInt8Columns * block_bytes + row % kInt8Columns * 2;
    for (int64_t i = 0; i < k; ++i) to[i / 2 * 2 * kInt8Columns + i % 2] = w[row * k + i];
  }
}

void gemm_int8(const GemmInt8Args& args) {
  if (args.m == 0 || args.n == 0) return;
  const QuantizedRows a = quantize_rows(args);
  const GemmInt8Kernels& kernels = *active_kernels().gemm_int8;
  const int64_t pairs = pairs_of(args.k);
  const int64_t block_bytes = kInt8Columns * 2 * pairs;
  const int64_t grain = row_grain(kInt8Columns * std::max<int64_t>(args.k, 1) * args.m / 8);
  parallel_for(0, blocks_of(args.n), grain, [&](int64_t lo, int64_t hi) {
    std::array<int32_t, kInt8Rows * kInt8Columns> sums{};
    for (int64_t block = lo; block < hi; ++block) {
      const int64_t column = block * kInt8Columns;
      const Int8Finish finish = columns_from(args, column);
      for (int64_t row = 0; row < args.m; row += kInt8Rows) {
        const int64_t rows = std::min(kInt8Rows, args.m - row);
        kernels.tile(rows, pairs, a.values.data() + row * a.row, a.row, args.b + block * block_bytes,
                     sums.data());
        for (int64_t r = 0; r < rows; ++r) {
          kernels.finish(finish, a.sums[static_cast<size_t>(row + r)], sums.data() + r * kInt8Columns,
                         args.c + (row + r) * args.n + column);
        }
      }
    }
  });
}

}  // namespace calque::kernels
