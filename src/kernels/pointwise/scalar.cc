#include <cmath>

#include "kernels/pointwise/pointwise_kernels.h"

namespace calque::kernels {

namespace {

template <class Op>
void binary_row(int64_t n, const float* a, int64_t a_col, const float* b, int64_t b_col, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = Op::apply(a[i * a_col], b[i * b_col]);
}

template <class Op>
void unary_row(int64_t n, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = Op::apply(x[i]);
}

struct Add {
  static float apply(float a, float b) { return a + b; }
};
struct Sub {
  static float apply(float a, float b) { return a - b; }
};
struct Mul {
  static float apply(float a, float b) { return a * b; }
};
struct Div {
  static float apply(float a, float b) { return a / b; }
};
struct Exp {
  static float apply(float x) { return std::exp(x); }
};
struct Tanh {
  static float apply(float x) { return std::tanh(x); }
};
struct Erf {
  static float apply(float x) { return std::erf(x); }
};
struct Relu {
  static float apply(float x) { return x < 0 ? 0.0F : x; }
};
struct Silu {
  static float apply(float x) { return x / (1 + std::exp(-x)); }
};
struct QuickGelu {
  static float apply(float x) { return x / (1 + std::exp(-1.702F * x)); }
};

}  // namespace

constexpr PointwiseKernels kPointwiseScalar{
    {binary_row<Add>, binary_row<Sub>, binary_row<Mul>, binary_row<Div>},
    {unary_row<Exp>, unary_row<Tanh>, unary_row<Erf>, unary_row<Relu>, unary_row<Silu>, unary_row<QuickGelu>},
};

}  // namespace calque::kernels
