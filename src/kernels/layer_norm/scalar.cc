#include <cmath>

#include "kernels/layer_norm/layer_norm_kernels.h"

namespace calque::kernels {

namespace {

// What is normalised, in memory.
const float* add_residual(const NormRow& row) {
  if (row.residual == nullptr) return row.x;
  float* const to = row.sum != nullptr ? row.sum : row.y;
  for (int64_t i = 0; i < row.n; ++i) to[i] = row.x[i] + row.residual[i];
  return to;
}

void layer_norm_row(const NormRow& row) { layer_norm_in_double(row, add_residual(row)); }

void rms_norm_row(const NormRow& row) {
  const float* const x = add_residual(row);
  double squares = 0;
  for (int64_t i = 0; i < row.n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(row.n) + row.eps);
  for (int64_t i = 0; i < row.n; ++i) {
    row.y[i] = static_cast<float>(x[i] * scale) * (row.weight != nullptr ? row.weight[i] : 1.0F);
  }
}

}  // namespace

void layer_norm_in_double(const NormRow& row, const float* x) {
  double sum = 0;
  for (int64_t i = 0; i < row.n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(row.n);
  double squares = 0;
  for (int64_t i = 0; i < row.n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(row.n) + row.eps);
  for (int64_t i = 0; i < row.n; ++i) {
    const auto normal = static_cast<float>((x[i] - mean) * scale);
    row.y[i] =
        normal * (row.weight != nullptr ? row.weight[i] : 1.0F) + (row.bias != nullptr ? row.bias[i] : 0.0F);
  }
}

constexpr LayerNormKernels kLayerNormScalar{layer_norm_row, rms_norm_row};

}  // namespace calque::kernels
