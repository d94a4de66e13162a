// The activations that follow linear layers.
#include "kernels/pointwise/pointwise.h"
#include "ops/arithmetic.h"
#include "ops/composite.h"
#include "ops/fused.h"
#include "ops/support.h"
#include "ops/unary.h"
#include "ops/unary_frame.h"

namespace calque::ops {

namespace {

Tensor number(double value) { return number_tensor(Scalar(value)); }

Tensor quick_gelu(const Tensor& x) {
  if (x.dtype() != kFloat) return mul(x, invoke("aten::sigmoid", {mul(x, number(1.702))}));
  return kernel_unary(x, [](int64_t n, const float* from, float* to) {
    kernels::unary(kernels::Unary::kQuickGelu, n, from, to);
  });
}

/// GELU itself takes real numbers only; its formula takes others, too.
Tensor gelu(const Tensor& x, bool is_tanh) {
  if (is_floating_point(x.dtype())) return invoke("aten::gelu", {x, IValue(is_tanh ? "tanh" : "none")});
  const Tensor cube = mul(mul(x, x), x);
  const Tensor curve =
      is_tanh
          ? invoke("aten::tanh", {mul(add(x, mul(cube, number(0.044715))), number(0.79788456080286535588))})
          : invoke("aten::erf", {mul(x, number(0.70710678118654752440))});
  return mul(mul(x, number(0.5)), add(curve, number(1)));
}

}  // namespace

Tensor activated(const Tensor& x, LinearActivation activation) {
  switch (activation) {
    case LinearActivation::kNone:
      return x;
    case LinearActivation::kRelu:
      return relu(x);
    case LinearActivation::kTanh:
      return invoke("aten::tanh", {x});
    case LinearActivation::kGelu:
      return gelu(x, false);
    case LinearActivation::kGeluTanh:
      return gelu(x, true);
    case LinearActivation::kSilu:
      return invoke("aten::silu", {x});
    case LinearActivation::kQuickGelu:
      return quick_gelu(x);
  }
  return x;
}

void fused_activation(OpCall& call) {
  call.ret(activated(call.tensor(0), static_cast<LinearActivation>(call.integer(1))));
}

}  // namespace calque::ops
