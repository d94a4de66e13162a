// Special functions, windows of signals, and activations that are random only in training.
#include <array>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/loops.h"
#include "ops/options.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "ops/unary_frame.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

using std::numbers::pi;

/// f(x, y) in floating arithmetic.
template <class F>
Tensor float_binary(const Tensor& x, const Tensor& y, std::string_view name, F f) {
  const ScalarType dtype = float_type_of(result_type({x, y}));
  const std::array<Tensor, 2> operands = {x.to(dtype), y.to(dtype)};
  const Tensor out = elementwise_result(operands, dtype);
  dispatch_floating(dtype, name,
                    [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, operands[0], operands[1], f); });
  return out;
}

Tensor sinc(const Tensor& x) {
  return float_unary(x, "sinc_cpu", []<class Op>(Op v) {
    if (v == 0) return Op(1);
    const Op p = static_cast<Op>(pi) * v;
    return std::sin(p) / p;
  });
}

/// -x log x
Tensor entropy(const Tensor& x) {
  return float_unary(x, "special_entr_cpu", []<class Op>(Op v) {
    if (v != v) return v;
    if (v > 0) return -v * std::log(v);
    return v == 0 ? Op(0) : -std::numeric_limits<Op>::infinity();
  });
}

/// The series of the modified Bessel function of the first kind, by squares of halves; stops when terms
/// vanish.
template <class Op>
double bessel_i0(Op value) {
  const double x = std::fabs(static_cast<double>(value));
  if (x > 700) return std::exp(x) / std::sqrt(2 * pi * x);
  const double q = x * x / 4;
  double term = 1;
  double total = 1;
  for (int k = 1; k < 1000 && term > total * 1e-17; ++k) {
    term *= q / (static_cast<double>(k) * static_cast<double>(k));
    total += term;
  }
  return total;
}

Tensor i0(const Tensor& x) {
  return float_unary(x, "i0_cpu", []<class Op>(Op v) { return v != v ? v : static_cast<Op>(bessel_i0(v)); });
}

/// The standard normal distribution function and its logarithm.
Tensor ndtr(const Tensor& x) {
  return float_unary(x, "ndtr", []<class Op>(Op v) {
    const auto t = static_cast<Op>(v * static_cast<Op>(std::numbers::sqrt2 / 2));
    if (std::fabs(t) < static_cast<Op>(std::numbers::sqrt2 / 2)) return Op(0.5) + Op(0.5) * std::erf(t);
    return t > 0 ? Op(1) - Op(0.5) * std::erfc(t) : Op(0.5) * std::erfc(-t);
  });
}

void logaddexp2(OpCall& c) {
  c.ret(float_binary(c.tensor(0), c.tensor(1), "logaddexp2_cpu", []<class Op>(Op x, Op y) {
    if (std::isinf(x) && x == y) return x;
    const Op high = x > y ? x : y;
    if (x != x || y != y) return x + y;
    return high + static_cast<Op>(std::log1p(std::exp2(-std::fabs(x - y))) / std::numbers::ln2);
  }));
}

Tensor xlog1py(const Tensor& x, const Tensor& y) {
  return float_binary(x, y, "xlog1py_cpu", []<class Op>(Op v, Op w) {
    if (w != w) return w;
    return v == 0 ? Op(0) : v * std::log1p(w);
  });
}

Tensor nextafter(const Tensor& x, const Tensor& y) {
  const ScalarType dtype = result_type({x, y});
  if (dtype != kFloat && dtype != kDouble) throw_not_implemented("nextafter_cpu", dtype);
  return float_binary(x, y, "nextafter_cpu", [](auto v, auto w) { return std::nextafter(v, w); });
}

void lcm(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor y = c.tensor(1);
  const ScalarType dtype = result_type({x, y});
  const std::array<Tensor, 2> operands = {x.to(dtype), y.to(dtype)};
  const Tensor out = elementwise_result(operands, dtype);
  dispatch_integral(dtype, "lcm_cpu", [&]<class T>(TypeTag<T>) {
    map_binary<T, T>(out, operands[0], operands[1], [](T a, T b) -> T {
      uint64_t p = a < 0 ? 0 - static_cast<uint64_t>(a) : static_cast<uint64_t>(a);
      uint64_t q = b < 0 ? 0 - static_cast<uint64_t>(b) : static_cast<uint64_t>(b);
      const uint64_t whole = p;
      const uint64_t other = q;
      while (q != 0) {
        const uint64_t rest = p % q;
        p = q;
        q = rest;
      }
      if (p == 0) return T(0);
      const auto value = static_cast<T>(whole / p * other);
      return value < 0 ? static_cast<T>(0 - static_cast<uint64_t>(value)) : value;
    });
  });
  c.ret(out);
}

// --- windows: cosine sums, and Kaiser's

struct WindowArguments {
  int64_t length;
  bool periodic;
  ScalarType dtype;
};

template <class F>
Tensor window(const WindowArguments& a, std::string_view name, F f) {
  if (a.length < 0) {
    throw RuntimeError(cat(name, " requires non-negative window_length, got window_length=", a.length));
  }
  if (!is_floating_point(a.dtype)) {
    throw RuntimeError(cat(name, " expects floating point dtypes, got: ", dtype_cpp_name(a.dtype)));
  }
  const Tensor out = a.length <= 1 ? ones({a.length}, kDouble) : empty({a.length}, kDouble);
  const auto period = static_cast<double>(a.periodic ? a.length : a.length - 1);
  for (int64_t i = 0; a.length > 1 && i < a.length; ++i) {
    elements<double>(out)[i] = f(static_cast<double>(i) / period);
  }
  return out.to(a.dtype);
}

template <bool Periodic>
WindowArguments window_arguments(const OpCall& c, size_t options) {
  return {.length = c.integer(0),
          .periodic = Periodic ? c.boolean(1) : true,
          .dtype = dtype_option(c, options, kFloat)};
}

template <bool Periodic>
void bartlett_window(OpCall& c) {
  c.ret(window(window_arguments<Periodic>(c, Periodic ? 2 : 1), "bartlett_window",
               [](double x) { return 1 - std::fabs(2 * x - 1); }));
}
template <bool Periodic>
void blackman_window(OpCall& c) {
  c.ret(window(window_arguments<Periodic>(c, Periodic ? 2 : 1), "blackman_window",
               [](double x) { return 0.42 - 0.5 * std::cos(2 * pi * x) + 0.08 * std::cos(4 * pi * x); }));
}
/// `Given`: how many of periodic, alpha and beta are arguments.
template <size_t Given>
void hamming_window(OpCall& c) {
  const double alpha = Given > 1 ? c.number(2) : 0.54;
  const double beta = Given > 2 ? c.number(3) : 0.46;
  c.ret(window(window_arguments<(Given > 0)>(c, Given + 1), "hamming_window",
               [=](double x) { return alpha - beta * std::cos(2 * pi * x); }));
}
template <size_t Given>
void kaiser_window(OpCall& c) {
  const double beta = Given > 1 ? c.number(2) : 12.0;
  c.ret(window(window_arguments<(Given > 0)>(c, Given + 1), "kaiser_window", [=](double x) {
    const double y = 2 * x - 1;
    return bessel_i0(beta * std::sqrt(std::fmax(1 - y * y, 0))) / bessel_i0(beta);
  }));
}

// --- random in training only

void refuse_training(bool training, std::string_view op) {
  if (!training) return;
  throw NotImplementedError(cat(
      op, " with training=True is not supported: call eval() on the module before it is traced or scripted"));
}

Tensor rrelu(const OpCall& c) {
  refuse_training(c.boolean(3), "rrelu");
  const Tensor x = c.tensor(0);
  if (!x.is_floating_point()) throw_not_implemented("rrelu", x.dtype());
  return invoke("aten::leaky_relu", {x, (c.number(1) + c.number(2)) / 2});
}
void rrelu_op(OpCall& c) { c.ret(rrelu(c)); }
void rrelu_op_(OpCall& c) {
  write_in_place(c.tensor(0), rrelu(c));
  c.ret(c[0]);
}
void feature_alpha_dropout(OpCall& c) {
  refuse_training(c.boolean(2), "feature_alpha_dropout");
  c.ret(c[0]);
}

/// Both write nothing in evaluation mode.
void dropout_in_place(OpCall& c) {
  refuse_training(c.boolean(2), "dropout of whole features, or of alpha dropout, in place");
  c.ret(c[0]);
}

void mvlgamma(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t p = c.integer(1);
  if (p < 1) throw RuntimeError("p has to be greater than or equal to 1");
  if (p > 10000) throw RuntimeError(cat("mvlgamma: p = ", p, " is out of range"));
  const double base = static_cast<double>(p * (p - 1)) / 4 * std::log(pi);
  c.ret(float_unary(x, "mvlgamma_cpu", [=]<class Op>(Op v) {
    double total = base;
    for (int64_t i = 0; i < p; ++i) total += std::lgamma(static_cast<double>(v) - static_cast<double>(i) / 2);
    return static_cast<Op>(total);
  }));
}

constexpr OpRow kSpecialOps[] = {
    {"aten::sinc(Tensor self) -> Tensor", unary_op<sinc>},
    {"aten::special_entr(Tensor self) -> Tensor", unary_op<entropy>},
    {"aten::i0(Tensor self) -> Tensor", unary_op<i0>},
    {"aten::special_ndtr(Tensor self) -> Tensor", unary_op<ndtr>},
    {"aten::logaddexp2(Tensor self, Tensor other) -> Tensor", logaddexp2},
    {"aten::special_xlog1py(Tensor self, Tensor other) -> Tensor", binary_op<xlog1py>},
    {"aten::special_xlog1py.other_scalar(Tensor self, Scalar other) -> Tensor", binary_op<xlog1py>},
    {"aten::special_xlog1py.self_scalar(Scalar self, Tensor other) -> Tensor", binary_op<xlog1py>},
    {"aten::nextafter(Tensor self, Tensor other) -> Tensor", binary_op<nextafter>},
    {"aten::lcm(Tensor self, Tensor other) -> Tensor", lcm},
    {"aten::mvlgamma(Tensor self, int p) -> Tensor", mvlgamma},
    {"aten::special_multigammaln(Tensor self, int p) -> Tensor", mvlgamma},
    {"aten::rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.33333333333333331, bool training=False, "
     "Generator? generator=None) -> Tensor",
     rrelu_op},
    {"aten::rrelu_(Tensor(a!) self, Scalar lower=0.125, Scalar upper=0.33333333333333331, bool "
     "training=False, Generator? generator=None) -> Tensor(a!)",
     rrelu_op_},
    {"aten::feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor", feature_alpha_dropout},
    {"aten::feature_alpha_dropout_(Tensor(a!) self, float p, bool train) -> Tensor(a!)", dropout_in_place},
    {"aten::feature_dropout_(Tensor(a!) self, float p, bool train) -> Tensor(a!)", dropout_in_place},
    {"aten::alpha_dropout_(Tensor(a!) self, float p, bool train) -> Tensor(a!)", dropout_in_place},
    {"aten::bartlett_window(int window_length, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     bartlett_window<false>},
    {"aten::bartlett_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     bartlett_window<true>},
    {"aten::blackman_window(int window_length, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     blackman_window<false>},
    {"aten::blackman_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     blackman_window<true>},
    {"aten::hamming_window(int window_length, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     hamming_window<0>},
    {"aten::hamming_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     hamming_window<1>},
    {"aten::hamming_window.periodic_alpha(int window_length, bool periodic, float alpha, *, ScalarType? "
     "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     hamming_window<2>},
    {"aten::hamming_window.periodic_alpha_beta(int window_length, bool periodic, float alpha, float beta, *, "
     "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     hamming_window<3>},
    {"aten::kaiser_window(int window_length, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     kaiser_window<0>},
    {"aten::kaiser_window.periodic(int window_length, bool periodic, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     kaiser_window<1>},
    {"aten::kaiser_window.beta(int window_length, bool periodic, float beta, *, ScalarType? dtype=None, "
     "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     kaiser_window<2>},
};

}  // namespace

OpTable special_ops() { return kSpecialOps; }

}  // namespace calque::ops
