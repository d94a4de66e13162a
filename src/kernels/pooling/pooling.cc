#include "kernels/pooling/pooling.h"

#include <algorithm>

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

constexpr int64_t kPoolColumns = 128;  // of one task

void mean_columns(const PoolArgs& args, int64_t sequence, int64_t col) {
  const int64_t first = args.offsets[sequence];
  const int64_t rows = args.offsets[sequence + 1] - first;
  const int64_t* const mask = args.mask == nullptr || rows == 0 ? nullptr : args.mask + first;
  const int64_t counted = mask == nullptr ? rows : rows - std::count(mask, mask + rows, 0);
  const int64_t cols = std::min(kPoolColumns, args.cols - col);
  float* const out = args.out + sequence * args.out_row + col;
  if (counted == 0) {
    std::fill_n(out, cols, 0.0F);
    return;
  }
  active_kernels().pooling->mean({.rows = rows,
                                  .cols = cols,
                                  .x = args.x + first * args.x_row + col,
                                  .stride = args.x_row,
                                  .mask = mask,
                                  .divisor = static_cast<float>(counted),
                                  .out = out});
}

void normalise_rows(const PoolArgs& args) {
  if (!args.normalise) return;
  const auto normalise = active_kernels().pooling->normalise;
  parallel_for(0, args.sequences, row_grain(args.cols), [&](int64_t lo, int64_t hi) {
    for (int64_t s = lo; s < hi; ++s) normalise(args.cols, args.eps, args.out + s * args.out_row);
  });
}

}  // namespace

void mean_pool(const PoolArgs& args) {
  if (args.sequences == 0 || args.cols == 0) return;
  const int64_t blocks = (args.cols + kPoolColumns - 1) / kPoolColumns;
  const int64_t rows = (args.offsets[args.sequences] - args.offsets[0]) / args.sequences;
  const int64_t grain = row_grain(std::max<int64_t>(1, rows) * kPoolColumns);
  parallel_for(0, args.sequences * blocks, grain, [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; ++i) mean_columns(args, i / blocks, i % blocks * kPoolColumns);
  });
  normalise_rows(args);
}

void first_pool(const PoolArgs& args) {
  if (args.cols == 0) return;
  parallel_for(0, args.sequences, row_grain(args.cols), [&](int64_t lo, int64_t hi) {
    for (int64_t s = lo; s < hi; ++s) {
      float* const out = args.out + s * args.out_row;
      if (args.offsets[s] == args.offsets[s + 1]) {
        std::fill_n(out, args.cols, 0.0F);
      } else {
        std::copy_n(args.x + args.offsets[s] * args.x_row, args.cols, out);
      }
    }
  });
  normalise_rows(args);
}

}  // namespace calque::kernels
