#include "kernels/pointwise/pointwise.h"

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

// One long row, so that tensors of equal shape split evenly whatever their rows are.
bool is_flat(const BinaryArgs& args) {
  const bool a_flat = args.a_col == 1 ? args.a_row == args.cols : args.a_row == 0;
  const bool b_flat = args.b_col == 1 ? args.b_row == args.cols : args.b_row == 0;
  return args.rows == 1 || (a_flat && b_flat && args.out_row == args.cols);
}

}  // namespace

void binary(Binary op, const BinaryArgs& args) {
  const auto row = active_kernels().pointwise->binary[static_cast<int>(op)];
  if (is_flat(args)) {
    parallel_for(0, args.rows * args.cols, kGrainElements, [&](int64_t lo, int64_t hi) {
      row(hi - lo, args.a + lo * args.a_col, args.a_col, args.b + lo * args.b_col, args.b_col, args.out + lo);
    });
    return;
  }
  parallel_for(0, args.rows, row_grain(args.cols), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; ++r) {
      row(args.cols, args.a + r * args.a_row, args.a_col, args.b + r * args.b_row, args.b_col,
          args.out + r * args.out_row);
    }
  });
}

void unary(Unary op, int64_t n, const float* x, float* y) {
  const auto row = active_kernels().pointwise->unary[static_cast<int>(op)];
  parallel_for(0, n, kGrainElements, [&](int64_t lo, int64_t hi) { row(hi - lo, x + lo, y + lo); });
}

}  // namespace calque::kernels
