// Softmax over rows.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// y[r, :] = exp(x[r, :] - max) / sum, float32, rows contiguous, row strides in elements; y may be x. A row
/// with NaN or +inf, or of -inf only, gives NaN throughout, as in PyTorch. cols == 0 does nothing.
struct SoftmaxArgs {
  int64_t rows = 0;
  int64_t cols = 0;
  const float* x = nullptr;
  int64_t x_row = 0;
  float* y = nullptr;
  int64_t y_row = 0;
};

void softmax_rows(const SoftmaxArgs& args);

}  // namespace calque::kernels
