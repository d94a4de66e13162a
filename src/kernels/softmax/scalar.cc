#include <cmath>

#include "kernels/softmax/softmax_kernels.h"

namespace calque::kernels {

namespace {

// NaN need not be found by the maximum: it reaches the sum, and through it every element.
void softmax_row(int64_t n, const float* x, float* y) {
  float max = x[0];
  for (int64_t i = 1; i < n; ++i) max = x[i] > max ? x[i] : max;
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    y[i] = std::exp(x[i] - max);
    sum += y[i];
  }
  const float scale = 1.0F / sum;
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

}  // namespace

constexpr SoftmaxKernels kSoftmaxScalar{softmax_row};

}  // namespace calque::kernels
