// Layer normalisation over rows (Ba, Kiros and Hinton, arXiv 1607.06450).
#pragma once

#include <cstdint>

namespace calque::kernels {

/// y[r, :] = (x[r, :] - mean) / sqrt(variance + eps) * weight + bias, float32, biased variance, rows
/// contiguous, row strides in elements; y may be x. weight and bias have `cols` elements; nullptr is 1 and 0.
struct LayerNormArgs {
  int64_t rows = 0;
  int64_t cols = 0;
  const float* x = nullptr;
  int64_t x_row = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 1e-5F;
  float* y = nullptr;
  int64_t y_row = 0;
};

void layer_norm_rows(const LayerNormArgs& args);

}  // namespace calque::kernels
