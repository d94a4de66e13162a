#include <algorithm>
#include <cmath>

#include "kernels/gelu/coarse.h"
#include "kernels/gelu/gelu_kernels.h"

namespace calque::kernels {

namespace {

constexpr float kSqrtHalf = 0.70710678118654752F;
constexpr float kSqrtTwoOverPi = 0.79788456080286536F;
constexpr float kCubic = 0.044715F;

void gelu_row(int64_t n, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * 0.5F * (1.0F + std::erf(x[i] * kSqrtHalf));
}

void gelu_tanh_row(int64_t n, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const float inner = kSqrtTwoOverPi * (x[i] + kCubic * (x[i] * x[i] * x[i]));
    y[i] = 0.5F * x[i] * (1.0F + std::tanh(inner));
  }
}

template <const float (&kCoefficients)[coarse::kTerms]>
void coarse_row(int64_t n, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const float t = std::min(std::abs(x[i]), coarse::kEnd);
    float p = kCoefficients[coarse::kTerms - 1];
    for (int term = coarse::kTerms - 2; term >= 0; --term) p = p * t + kCoefficients[term];
    y[i] = std::max(x[i], 0.0F) - t * (coarse::kEnd - t) * p;
  }
}

}  // namespace

constexpr GeluKernels kGeluScalar{gelu_row, gelu_tanh_row, coarse_row<coarse::kErf>,
                                  coarse_row<coarse::kTanh>};

}  // namespace calque::kernels
