// Root mean square normalisation over rows (Zhang and Sennrich, arXiv 1910.07467), as in T5.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// y[r, :] = s / sqrt(mean(s^2) + eps) * weight of s = x[r, :] + residual[r, :], float32. Rows are
/// contiguous, row strides in elements, of either sign or, for inputs, 0. weight has `cols` elements; nullptr
/// is 1. Without `residual` s is x. With it, `sum` may receive s, rounded to float32. y and sum may each be x
/// or the residual, in their places, but not one another. Within (8 + cols / 64) 2^-24 of the exact value,
/// relatively. cols == 0 does nothing.
struct RmsNormArgs {
  int64_t rows = 0;
  int64_t cols = 0;
  const float* x = nullptr;
  int64_t x_row = 0;
  const float* weight = nullptr;
  float eps = 1e-6F;
  float* y = nullptr;
  int64_t y_row = 0;
  const float* residual = nullptr;
  int64_t residual_row = 0;
  float* sum = nullptr;
  int64_t sum_row = 0;
};

void rms_norm_rows(const RmsNormArgs& args);

}  // namespace calque::kernels
