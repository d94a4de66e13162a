// GELU (Hendrycks and Gimpel, arXiv 1606.08415).
#pragma once

#include <cstdint>

namespace calque::kernels {

/// y = x/2 (1 + erf(x / sqrt 2)) for n contiguous float32; y may be x.
void gelu(int64_t n, const float* x, float* y);

/// The tanh form: y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); y may be x.
void gelu_tanh(int64_t n, const float* x, float* y);

}  // namespace calque::kernels
