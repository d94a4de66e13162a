#include "kernels/softmax/softmax.h"

#include "base/threads.h"
#include "kernels/grain.h"
#include "kernels/registry.h"

namespace calque::kernels {

void softmax_rows(const SoftmaxArgs& args) {
  if (args.cols == 0) return;
  const auto row = active_kernels().softmax->row;
  parallel_for(0, args.rows, row_grain(args.cols), [&](int64_t lo, int64_t hi) {
    for (int64_t r = lo; r < hi; ++r) row(args.cols, args.x + r * args.x_row, args.y + r * args.y_row);
  });
}

}  // namespace calque::kernels
