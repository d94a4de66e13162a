// Activation functions and dropout.
#include "ops/activation.h"

#include <cmath>
#include <numbers>

#include "base/text.h"
#include "kernels/gelu/gelu.h"
#include "kernels/pointwise/pointwise.h"
#include "ops/arithmetic.h"
#include "ops/tables.h"
#include "ops/unary.h"
#include "ops/unary_frame.h"

namespace calque::ops {

namespace {

using std::numbers::sqrt2;
constexpr double kGeluTanhScale = 0.7978845608028654;  // sqrt(2 / pi)

/// Floating dtypes only, as PyTorch's activation kernels.
template <class F>
Tensor floating_only(const Tensor& x, std::string_view name, F f) {
  if (!x.is_floating_point()) throw_not_implemented(name, x.dtype());
  return float_unary(x, name, f);
}

}  // namespace

Tensor gelu(const Tensor& x) {
  if (x.dtype() == kFloat) return kernel_unary(x, kernels::gelu);
  return floating_only(x, "GeluKernelImpl", []<class Op>(Op v) {
    return v * Op(0.5) * (Op(1) + std::erf(v * static_cast<Op>(1 / sqrt2)));
  });
}

namespace {

Tensor gelu_tanh(const Tensor& x) {
  if (x.dtype() == kFloat) return kernel_unary(x, kernels::gelu_tanh);
  return floating_only(x, "GeluKernelImpl", []<class Op>(Op v) {
    const Op inner = static_cast<Op>(kGeluTanhScale) * (v + static_cast<Op>(0.044715) * v * v * v);
    return Op(0.5) * v * (Op(1) + std::tanh(inner));
  });
}

Tensor gelu_by_name(const Tensor& x, const std::string& approximate) {
  if (approximate == "none") return gelu(x);
  if (approximate == "tanh") return gelu_tanh(x);
  throw RuntimeError("approximate argument must be either none or tanh.");
}

Tensor silu(const Tensor& x) {
  if (x.dtype() == kFloat) {
    return kernel_unary(x, [](int64_t n, const float* from, float* to) {
      kernels::unary(kernels::Unary::kSilu, n, from, to);
    });
  }
  return floating_only(x, "silu_cpu", []<class Op>(Op v) { return v / (Op(1) + std::exp(-v)); });
}

Tensor mish(const Tensor& x) {
  return floating_only(x, "mish_cpu", [](auto v) { return v * std::tanh(std::log1p(std::exp(v))); });
}

Tensor log_sigmoid(const Tensor& x) {
  return floating_only(x.contiguous(), "log_sigmoid_cpu", []<class Op>(Op v) {
    return (v < 0 ? v : Op(0)) - std::log1p(std::exp(-std::fabs(v)));
  });
}

Tensor hardswish(const Tensor& x) {
  return floating_only(x, "hardswish_cpu", []<class Op>(Op v) {
    const Op gate = v + 3 < 0 ? Op(0) : v + 3 > 6 ? Op(6) : v + 3;
    return v * gate / 6;
  });
}

Tensor hardsigmoid(const Tensor& x) {
  return floating_only(x, "hardsigmoid_cpu", []<class Op>(Op v) {
    const Op gate = v + 3 < 0 ? Op(0) : v + 3 > 6 ? Op(6) : v + 3;
    return gate / 6;
  });
}

Tensor elu(const Tensor& x, double alpha, double scale, double input_scale) {
  return floating_only(x, "elu_cpu", [=]<class Op>(Op v) {
    if (v != v) return v;
    return v > 0 ? v * static_cast<Op>(scale)
                 : std::expm1(v * static_cast<Op>(input_scale)) * static_cast<Op>(alpha * scale);
  });
}

Tensor selu(const Tensor& x) {
  return elu(x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1);
}

Tensor leaky_relu(const Tensor& x, double slope) {
  return floating_only(x, "leaky_relu_cpu",
                       [=]<class Op>(Op v) { return v > 0 ? v : v * static_cast<Op>(slope); });
}

Tensor hardtanh(const Tensor& x, const Scalar& low, const Scalar& high) {
  if (x.dtype() == kBool) throw NotImplementedError("Bool inputs not supported for hardtanh");
  if (x.dtype() == kByte && (low.to_double() < 0 || high.to_double() < 0)) {
    throw RuntimeError("cannot do hardtanh on an unsigned type with negative limits");
  }
  return numeric_unary(x, "hardtanh", [&]<class Op>(Op v) {
    const Op a = scalar_to<Op>(low);
    const Op b = scalar_to<Op>(high);
    return v < a ? a : v > b ? b : v;
  });
}

Tensor relu6(const Tensor& x) { return hardtanh(x, Scalar(0), Scalar(6)); }

Tensor threshold(const Tensor& x, const Scalar& limit, const Scalar& value) {
  const Tensor out = empty_like(x, x.dtype());
  dispatch_numeric(x.dtype(), "threshold_cpu", [&]<class T>(TypeTag<T>) {
    const auto bound = stored_scalar<T>(limit, x.dtype());
    const auto other = stored_scalar<T>(value, x.dtype());
    map_unary<T, T>(out, x, [&](auto v) { return v <= bound ? other : v; });
  });
  return out;
}

void gelu_op(OpCall& c) { c.ret(gelu_by_name(c.tensor(0), c[1].toStringRef())); }
void gelu_op_(OpCall& c) {
  write_in_place(c.tensor(0), gelu_by_name(c.tensor(0), c[1].toStringRef()));
  c.ret(c[0]);
}
void elu_op(OpCall& c) { c.ret(elu(c.tensor(0), c.number(1), c.number(2), c.number(3))); }
void elu_op_(OpCall& c) {
  write_in_place(c.tensor(0), elu(c.tensor(0), c.number(1), c.number(2), c.number(3)));
  c.ret(c[0]);
}
void celu_op(OpCall& c) {
  if (c.number(1) == 0) throw RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU");
  c.ret(elu(c.tensor(0), c.number(1), 1, 1 / c.number(1)));
}
void leaky_relu_op(OpCall& c) { c.ret(leaky_relu(c.tensor(0), c.number(1))); }
void leaky_relu_op_(OpCall& c) {
  write_in_place(c.tensor(0), leaky_relu(c.tensor(0), c.number(1)));
  c.ret(c[0]);
}
void hardtanh_op(OpCall& c) { c.ret(hardtanh(c.tensor(0), c.scalar(1), c.scalar(2))); }
void hardtanh_op_(OpCall& c) {
  write_in_place(c.tensor(0), hardtanh(c.tensor(0), c.scalar(1), c.scalar(2)));
  c.ret(c[0]);
}
void threshold_op(OpCall& c) { c.ret(threshold(c.tensor(0), c.scalar(1), c.scalar(2))); }
void threshold_op_(OpCall& c) {
  write_in_place(c.tensor(0), threshold(c.tensor(0), c.scalar(1), c.scalar(2)));
  c.ret(c[0]);
}

void softplus_op(OpCall& c) {
  const double beta = c.number(1);
  const double limit = c.number(2);
  c.ret(floating_only(c.tensor(0), "softplus_cpu", [=]<class Op>(Op v) {
    const Op scaled = v * static_cast<Op>(beta);
    return scaled > static_cast<Op>(limit) ? v : std::log1p(std::exp(scaled)) / static_cast<Op>(beta);
  }));
}

void softshrink_op(OpCall& c) {
  const double limit = c.number(1);
  if (!(limit >= 0)) {
    throw RuntimeError(cat("lambda must be greater or equal to 0, but found to be ", limit, "."));
  }
  c.ret(floating_only(c.tensor(0), "softshrink_cpu", [=]<class Op>(Op v) {
    const auto l = static_cast<Op>(limit);
    return v > l ? v - l : v < -l ? v + l : v != v ? v : Op(0);
  }));
}

void hardshrink_op(OpCall& c) {
  const double limit = c.number(1);
  c.ret(floating_only(c.tensor(0), "hardshrink_cpu", [=]<class Op>(Op v) {
    const auto l = static_cast<Op>(limit);
    return v >= -l && v <= l ? Op(0) : v;
  }));
}

void glu_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dim() == 0) throw RuntimeError("glu does not support 0-dimensional tensors");
  const int64_t dim = wrap_dim(c.integer(1), x.dim());
  const int64_t size = x.sizes()[dim];
  if (size % 2 != 0) {
    throw RuntimeError(cat("Halving dimension must be even, but dimension ", dim, " is size ", size));
  }
  if (!x.is_floating_point()) throw_not_implemented("glu_cpu", x.dtype());
  c.ret(mul(x.slice(dim, 0, size / 2), sigmoid(x.slice(dim, size / 2, size))));
}

void prelu_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  Tensor weight = c.tensor(1);
  if (x.dtype() != weight.dtype()) {
    throw RuntimeError(cat("prelu: Type promoting not supported. Got ", dtype_cpp_name(x.dtype()), " and ",
                           dtype_cpp_name(weight.dtype())));
  }
  const int64_t channels = x.dim() > 1 ? x.sizes()[1] : 1;
  if (weight.numel() != 1) {
    if (x.dim() == 0) throw RuntimeError("Not allow zero-dim input tensor.");
    if (weight.numel() != channels) {
      throw RuntimeError(cat(
          "Mismatch of parameter numbers and input channel size. Found parameter numbers = ", weight.numel(),
          " and channel size = ", channels, "."));
    }
    Dims shape(x.sizes().size(), 1);
    shape[x.dim() > 1 ? 1 : 0] = weight.numel();
    weight = weight.view(shape);
  } else {
    weight = weight.view(Dims(x.sizes().size(), 1));
  }
  const Tensor out = empty_like(x, x.dtype());
  dispatch_floating(x.dtype(), "prelu_cpu", [&]<class T>(TypeTag<T>) {
    map_binary<T, T>(out, x, weight, [](auto v, auto w) { return v > 0 ? v : v * w; });
  });
  c.ret(out);
}

/// dropout is the identity outside of training; training is not what this library is for.
void dropout_op(OpCall& c) {
  const double p = c.number(1);
  if (!(p >= 0 && p <= 1))
    throw RuntimeError(cat("dropout probability has to be between 0 and 1, but got ", p));
  if (c.boolean(2) && p > 0 && c.tensor(0).numel() > 0) {
    throw NotImplementedError(
        "dropout with train=True would draw random numbers: this program was saved in training mode. Call "
        "eval() before it "
        "is traced or scripted and save it again, or call eval() on the loaded module if it reads `training` "
        "when it runs.");
  }
  c.ret(c[0]);
}

constexpr OpRow kActivationOps[] = {
    {"aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor", gelu_op},
    {"aten::gelu_(Tensor(a!) self, *, str approximate=\"none\") -> Tensor(a!)", gelu_op_},
    {"aten::silu(Tensor self) -> Tensor", unary_op<silu>},
    {"aten::silu_(Tensor(a!) self) -> Tensor(a!)", unary_op_<silu>},
    {"aten::mish(Tensor self) -> Tensor", unary_op<mish>},
    {"aten::mish_(Tensor(a!) self) -> Tensor(a!)", unary_op_<mish>},
    {"aten::log_sigmoid(Tensor self) -> Tensor", unary_op<log_sigmoid>},
    {"aten::hardswish(Tensor self) -> Tensor", unary_op<hardswish>},
    {"aten::hardswish_(Tensor(a!) self) -> Tensor(a!)", unary_op_<hardswish>},
    {"aten::hardsigmoid(Tensor self) -> Tensor", unary_op<hardsigmoid>},
    {"aten::hardsigmoid_(Tensor(a!) self) -> Tensor(a!)", unary_op_<hardsigmoid>},
    {"aten::selu(Tensor self) -> Tensor", unary_op<selu>},
    {"aten::selu_(Tensor(a!) self) -> Tensor(a!)", unary_op_<selu>},
    {"aten::relu6(Tensor self) -> Tensor", unary_op<relu6>},
    {"aten::relu6_(Tensor(a!) self) -> Tensor(a!)", unary_op_<relu6>},
    {"aten::elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor", elu_op},
    {"aten::elu_(Tensor(a!) self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor(a!)",
     elu_op_},
    {"aten::celu(Tensor self, Scalar alpha=1.) -> Tensor", celu_op},
    {"aten::leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor", leaky_relu_op},
    {"aten::leaky_relu_(Tensor(a!) self, Scalar negative_slope=0.01) -> Tensor(a!)", leaky_relu_op_},
    {"aten::hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor", hardtanh_op},
    {"aten::hardtanh_(Tensor(a!) self, Scalar min_val=-1, Scalar max_val=1) -> Tensor(a!)", hardtanh_op_},
    {"aten::threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor", threshold_op},
    {"aten::threshold_(Tensor(a!) self, Scalar threshold, Scalar value) -> Tensor(a!)", threshold_op_},
    {"aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor", softplus_op},
    {"aten::softshrink(Tensor self, Scalar lambd=0.5) -> Tensor", softshrink_op},
    {"aten::hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor", hardshrink_op},
    {"aten::glu(Tensor self, int dim=-1) -> Tensor", glu_op},
    {"aten::prelu(Tensor self, Tensor weight) -> Tensor", prelu_op},
    {"aten::dropout(Tensor input, float p, bool train) -> Tensor", dropout_op},
    {"aten::dropout_(Tensor(a!) self, float p, bool train) -> Tensor(a!)", dropout_op},
    {"aten::alpha_dropout(Tensor input, float p, bool train) -> Tensor", dropout_op},
    {"aten::feature_dropout(Tensor input, float p, bool train) -> Tensor", dropout_op},
};

}  // namespace

OpTable activation_ops() { return kActivationOps; }

}  // namespace calque::ops
