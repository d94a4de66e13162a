#include "kernels/layer_norm/layer_norm.h"

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/layer_norm/rms_norm.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

// `first` is row 0.
template <class Args>
void norm_rows(const Args& args, NormRow first, void (*kernel)(const NormRow&)) {
  if (args.cols == 0) return;
  parallel_for(0, args.rows, row_grain(args.cols), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; ++r) {
      NormRow row = first;
      row.x += r * args.x_row;
      row.y += r * args.y_row;
      if (args.residual != nullptr) row.residual += r * args.residual_row;
      if (args.sum != nullptr) row.sum += r * args.sum_row;
      kernel(row);
    }
  });
}

}  // namespace

void layer_norm_rows(const LayerNormArgs& args) {
  norm_rows(args,
            {.n = args.cols,
             .x = args.x,
             .residual = args.residual,
             .weight = args.weight,
             .bias = args.bias,
             .eps = args.eps,
             .y = args.y,
             .sum = args.sum},
            active_kernels().layer_norm->row);
}

void rms_norm_rows(const RmsNormArgs& args) {
  norm_rows(args,
            {.n = args.cols,
             .x = args.x,
             .residual = args.residual,
             .weight = args.weight,
             .bias = nullptr,
             .eps = args.eps,
             .y = args.y,
             .sum = args.sum},
            active_kernels().layer_norm->rms_row);
}

}  // namespace calque::kernels
