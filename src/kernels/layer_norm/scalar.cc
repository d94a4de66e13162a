#include <cmath>

#include "kernels/layer_norm/layer_norm_kernels.h"

namespace calque::kernels {

namespace {

void layer_norm_row(int64_t n, const float* x, const float* weight, const float* bias, float eps, float* y) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(n) + eps);
  for (int64_t i = 0; i < n; ++i) {
    const auto normal = static_cast<float>((x[i] - mean) * scale);
    y[i] = normal * (weight != nullptr ? weight[i] : 1.0F) + (bias != nullptr ? bias[i] : 0.0F);
  }
}

}  // namespace

constexpr LayerNormKernels kLayerNormScalar{layer_norm_row};

}  // namespace calque::kernels
