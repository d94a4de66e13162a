// Layer normalisation over rows (Ba, Kiros and Hinton, arXiv 1607.06450).
#pragma once

#include <cstdint>

namespace calque::kernels {

/// y[r, :] = (s - mean(s)) / sqrt(variance(s) + eps) * weight + bias of s = x[r, :] + residual[r, :],
/// float32, biased variance. Rows are contiguous, row strides in elements, of either sign or, for inputs, 0.
/// weight and bias have `cols` elements; nullptr is 1 and 0. Without `residual` s is x. With it, `sum` may
/// receive s, rounded to float32, which is what is normalised in any case. y and sum may each be x or the
/// residual, in their places, but not one another.
///
/// The mean is taken first, then squares of the differences, corrected by their sum (Chan, Golub and LeVeque
/// 1983): rows far from zero keep their variance. Before weight and bias an element is within (8 + log2 cols)
/// 2^-24 (1 + |element|) of the exact one, as long as |mean| <= 2^10 times the standard deviation, also where
/// squares overflow. A row with NaN or infinity gives NaN throughout. A row does not depend on the rows
/// beside it. cols == 0 does nothing.
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
  const float* residual = nullptr;
  int64_t residual_row = 0;
  float* sum = nullptr;
  int64_t sum_row = 0;
};

void layer_norm_rows(const LayerNormArgs& args);

}  // namespace calque::kernels
