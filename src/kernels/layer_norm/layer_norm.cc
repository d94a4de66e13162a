#include "kernels/layer_norm/layer_norm.h"

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

void layer_norm_rows(const LayerNormArgs& args) {
  if (args.cols == 0) return;
  const auto row = active_kernels().layer_norm->row;
  parallel_for(0, args.rows, row_grain(args.cols), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; ++r) {
      row(args.cols, args.x + r * args.x_row, args.weight, args.bias, args.eps, args.y + r * args.y_row);
    }
  });
}

}  // namespace calque::kernels
