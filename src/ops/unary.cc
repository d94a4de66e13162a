#include "ops/unary.h"

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/pointwise/pointwise.h"
#include "ops/spectral.h"
#include "ops/tables.h"
#include "ops/unary_frame.h"

namespace calque::ops {

namespace {

/// float32 goes through the vector kernel.
template <class F>
Tensor float_unary_fast(kernels::Unary kernel, const Tensor& x, std::string_view name, F f) {
  if (x.dtype() != kFloat) return float_unary(x, name, f);
  return kernel_unary(
      x, [kernel](int64_t n, const float* from, float* to) { kernels::unary(kernel, n, from, to); });
}

}  // namespace

Tensor abs(const Tensor& x) {
  if (is_complex(x.dtype())) return magnitude(x);
  if (x.dtype() == kBool) return x.clone();
  return numeric_unary(x, "abs_cpu", []<class Op>(Op v) {
    if constexpr (std::is_floating_point_v<Op>) {
      return std::fabs(v);
    } else if constexpr (std::is_signed_v<Op>) {
      return v < 0 ? wrap_sub(Op(0), v) : v;
    } else {
      return v;
    }
  });
}

Tensor neg(const Tensor& x) {
  if (x.dtype() == kBool) {
    throw RuntimeError(
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
        "use the `~` or "
        "`logical_not()` operator instead.");
  }
  return numeric_unary(x, "neg_cpu", []<class Op>(Op v) {
    if constexpr (std::is_floating_point_v<Op>) {
      return -v;
    } else {
      return wrap_sub(Op(0), v);
    }
  });
}

Tensor exp(const Tensor& x) {
  return float_unary_fast(kernels::Unary::kExp, x, "exp", [](auto v) { return std::exp(v); });
}

Tensor log(const Tensor& x) {
  return float_unary(x, "log_cpu", [](auto v) { return std::log(v); });
}

Tensor sqrt(const Tensor& x) {
  return float_unary(x, "sqrt_cpu", [](auto v) { return std::sqrt(v); });
}

Tensor relu(const Tensor& x) {
  if (x.dtype() == kBool) throw RuntimeError("Boolean inputs not supported for relu");
  if (x.dtype() == kFloat) {
    return float_unary_fast(kernels::Unary::kRelu, x, "relu", [](auto v) { return v; });
  }
  return numeric_unary(x, "relu", []<class Op>(Op v) { return v < Op(0) ? Op(0) : v; });
}

Tensor isnan(const Tensor& x) {
  return predicate_unary(x, "isnan", [](auto v) { return v != v; });
}

Tensor sigmoid(const Tensor& x) {
  return float_unary(x, "sigmoid_cpu", []<class Op>(Op v) { return Op(1) / (Op(1) + std::exp(-v)); });
}

namespace {

using std::numbers::pi;

template <auto F>
Tensor float_fn(const Tensor& x) {
  return float_unary(x, "unary", [](auto v) { return F(v); });
}

template <auto F>
Tensor rounding_fn(const Tensor& x) {
  return rounding_unary(x, "rounding", [](auto v) { return F(v); });
}

Tensor tanh(const Tensor& x) {
  return float_unary_fast(kernels::Unary::kTanh, x, "tanh", [](auto v) { return std::tanh(v); });
}

Tensor erf(const Tensor& x) {
  return float_unary_fast(kernels::Unary::kErf, x, "erf", [](auto v) { return std::erf(v); });
}

/// Newton's method on the approximation of Giles (GPU Computing Gems, 2011).
double erfinv_of(double y) {
  if (std::isnan(y) || std::fabs(y) > 1) return std::numeric_limits<double>::quiet_NaN();
  if (std::fabs(y) == 1) return std::copysign(std::numeric_limits<double>::infinity(), y);
  if (y == 0) return y;
  const double w = -std::log((1 - y) * (1 + y));
  double x =
      w < 5 ? y * (0.8862269 + 0.25 * w * 0.2) : std::copysign(std::sqrt(w - 0.5 * std::log(w * pi)), y);
  for (int i = 0; i < 60; ++i) {
    const double tail = y > 0 ? std::erfc(x) - (1 - y) : (1 + y) - std::erfc(-x);
    const double error = std::fabs(y) < 0.5 ? std::erf(x) - y : -tail;
    const double slope = 2 / std::sqrt(pi) * std::exp(-x * x);
    const double step = error / slope;
    if (!std::isfinite(step)) break;
    const double halley = step / (1 + x * step);
    x -= std::isfinite(halley) ? halley : step;
    if (std::fabs(halley) <= std::fabs(x) * 1e-16) break;
  }
  return x;
}

/// Recurrence to x >= 10, then the asymptotic series; reflection below zero.
double digamma_of(double x) {
  if (x == 0) return std::copysign(std::numeric_limits<double>::infinity(), -x);
  if (x < 0) {
    if (x == std::trunc(x)) return std::numeric_limits<double>::quiet_NaN();
    double whole = 0;
    const double fraction = std::modf(x, &whole);
    return digamma_of(1 - x) - pi / std::tan(pi * fraction);
  }
  double shift = 0;
  while (x < 10) {
    shift -= 1 / x;
    x += 1;
  }
  const double z = 1 / (x * x);
  const double series =
      z *
      (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * 691.0 / 32760)))));
  return shift + std::log(x) - 0.5 / x - series;
}

Tensor sign(const Tensor& x) {
  if (x.dtype() == kBool) return x.clone();
  return numeric_unary(x, "sign_cpu",
                       []<class Op>(Op v) { return static_cast<Op>((Op(0) < v) - (v < Op(0))); });
}

Tensor frac(const Tensor& x) {
  const Tensor out = empty_like(x, x.dtype());
  dispatch_floating(x.dtype(), "frac", [&]<class T>(TypeTag<T>) {
    map_unary<T, T>(out, x, [](auto v) { return v - std::trunc(v); });
  });
  return out;
}

Tensor rsqrt(const Tensor& x) {
  return float_unary(x, "rsqrt_cpu", []<class Op>(Op v) { return Op(1) / std::sqrt(v); });
}

Tensor reciprocal(const Tensor& x) {
  return float_unary(x, "reciprocal_cpu", []<class Op>(Op v) { return Op(1) / v; });
}

Tensor square(const Tensor& x) {
  if (x.dtype() == kBool) return x.to(kLong);
  return numeric_unary(x, "pow", []<class Op>(Op v) { return wrap_mul(v, v); });
}

Tensor isinf(const Tensor& x) {
  return predicate_unary(x, "isinf", [](auto v) { return std::isinf(static_cast<double>(v)); });
}

Tensor isposinf(const Tensor& x) {
  return predicate_unary(x, "isposinf", [](auto v) { return std::isinf(static_cast<double>(v)) && v > 0; });
}

Tensor isneginf(const Tensor& x) {
  return predicate_unary(x, "isneginf", [](auto v) {
    if constexpr (std::is_floating_point_v<decltype(v)>) {
      return std::isinf(v) && v < 0;
    } else {
      return false;
    }
  });
}

Tensor isfinite(const Tensor& x) {
  return predicate_unary(x, "isfinite", [](auto v) { return std::isfinite(static_cast<double>(v)); });
}

Tensor signbit(const Tensor& x) {
  return predicate_unary(x, "signbit_cpu", [](auto v) {
    // By the bits: GCC 12 fails on a vectorised std::signbit.
    if constexpr (std::is_same_v<decltype(v), float>) {
      return (std::bit_cast<uint32_t>(v) >> 31) != 0;
    } else if constexpr (std::is_same_v<decltype(v), double>) {
      return (std::bit_cast<uint64_t>(v) >> 63) != 0;
    } else {
      return v < decltype(v)(0);
    }
  });
}

Tensor logical_not(const Tensor& x) {
  return predicate_unary(x, "logical_not_cpu", []<class Op>(Op v) { return v == Op(0); });
}

Tensor bitwise_not(const Tensor& x) {
  const Tensor out = empty_like(x, x.dtype());
  dispatch_integral_bool(x.dtype(), "bitwise_not_cpu", [&]<class T>(TypeTag<T>) {
    map_unary<T, T>(out, x, []<class Op>(Op v) {
      if constexpr (std::is_same_v<Op, bool>) {
        return !v;
      } else {
        return static_cast<Op>(~v);
      }
    });
  });
  return out;
}

Tensor positive(const Tensor& x) {
  if (x.dtype() == kBool) throw RuntimeError("The `+` operator, on a bool tensor is not supported.");
  return x;
}

void logical_not_(OpCall& c) {
  const Tensor self = c.tensor(0);
  write_in_place(self, logical_not(self).to(self.dtype()));
  c.ret(c[0]);
}

void round_decimals(OpCall& c) {
  const auto decimals = static_cast<int>(c.integer(1));
  const double scale = std::pow(10.0, std::abs(decimals));
  c.ret(rounding_unary(c.tensor(0), "round_cpu", [&]<class Op>(Op v) {
    const auto s = static_cast<Op>(scale);
    return decimals >= 0 ? std::nearbyint(v * s) / s : std::nearbyint(v / s) * s;
  }));
}

void logit(OpCall& c) {
  const std::optional<double> eps = c[1].isNone() ? std::nullopt : std::optional(c.number(1));
  const Tensor x = c.tensor(0).to(float_type_of(c.tensor(0).dtype()));
  const Tensor out = empty_like(x, x.dtype());
  dispatch_floating(x.dtype(), "logit_cpu", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    const auto low = static_cast<Op>(eps.value_or(0));
    const Op high = Element<T>::load(Element<T>::store(1 - low));
    map_unary<T, T>(out, x, [&](Op v) {
      if (eps) v = v < low ? low : v > high ? high : v;
      return std::log(v / (1 - v));
    });
  });
  c.ret(out);
}

void nan_to_num(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (!x.is_floating_point()) return c.ret(x.clone());
  const auto or_else = [&c](size_t i, double fallback) { return c[i].isNone() ? fallback : c.number(i); };
  const Tensor out = empty_like(x, x.dtype());
  dispatch_floating(x.dtype(), "nan_to_num", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    double limit = std::numeric_limits<Op>::max();
    if (std::is_same_v<T, Half>) limit = 65504;
    if (std::is_same_v<T, BFloat16>) limit = 0x1.fep127;
    const auto nan = static_cast<Op>(or_else(1, 0));
    const auto high = static_cast<Op>(or_else(2, limit));
    const auto low = static_cast<Op>(or_else(3, -limit));
    map_unary<T, T>(out, x, [&](Op v) {
      return std::isnan(v) ? nan : std::isinf(v) ? (v > 0 ? high : low) : v;
    });
  });
  c.ret(out);
}

// Members, so that their types have a name of their own when files are compiled together.
struct Formula {
  static constexpr auto kAcos = [](auto v) { return std::acos(v); };
  static constexpr auto kAcosh = [](auto v) { return std::acosh(v); };
  static constexpr auto kAsin = [](auto v) { return std::asin(v); };
  static constexpr auto kAsinh = [](auto v) { return std::asinh(v); };
  static constexpr auto kAtan = [](auto v) { return std::atan(v); };
  static constexpr auto kAtanh = [](auto v) { return std::atanh(v); };
  static constexpr auto kCeil = [](auto v) { return std::ceil(v); };
  static constexpr auto kCos = [](auto v) { return std::cos(v); };
  static constexpr auto kCosh = [](auto v) { return std::cosh(v); };
  static constexpr auto kDeg2rad = []<class Op>(Op v) { return v * static_cast<Op>(pi / 180); };
  static constexpr auto kDigamma = []<class Op>(Op v) {
    return static_cast<Op>(digamma_of(static_cast<double>(v)));
  };
  static constexpr auto kErfc = [](auto v) { return std::erfc(v); };
  static constexpr auto kErfinv = []<class Op>(Op v) {
    return static_cast<Op>(erfinv_of(static_cast<double>(v)));
  };
  static constexpr auto kExp2 = [](auto v) { return std::exp2(v); };
  static constexpr auto kExpm1 = [](auto v) { return std::expm1(v); };
  static constexpr auto kFloor = [](auto v) { return std::floor(v); };
  static constexpr auto kLgamma = [](auto v) { return std::lgamma(v); };
  static constexpr auto kLog10 = [](auto v) { return std::log10(v); };
  static constexpr auto kLog1p = [](auto v) { return std::log1p(v); };
  static constexpr auto kLog2 = [](auto v) { return std::log2(v); };
  static constexpr auto kRad2deg = []<class Op>(Op v) { return v * static_cast<Op>(180 / pi); };
  static constexpr auto kRound = [](auto v) { return std::nearbyint(v); };
  static constexpr auto kSin = [](auto v) { return std::sin(v); };
  static constexpr auto kSinh = [](auto v) { return std::sinh(v); };
  static constexpr auto kTan = [](auto v) { return std::tan(v); };
  static constexpr auto kTrunc = [](auto v) { return std::trunc(v); };
};

constexpr OpRow kUnaryOps[] = {
    {"aten::abs(Tensor self) -> Tensor", unary_op<abs>},
    {"aten::abs_(Tensor(a!) self) -> Tensor(a!)", unary_op_<abs>},
    {"aten::neg(Tensor self) -> Tensor", unary_op<neg>},
    {"aten::neg_(Tensor(a!) self) -> Tensor(a!)", unary_op_<neg>},
    {"aten::negative(Tensor self) -> Tensor", unary_op<neg>},
    {"aten::negative_(Tensor(a!) self) -> Tensor(a!)", unary_op_<neg>},
    {"aten::exp(Tensor self) -> Tensor", unary_op<exp>},
    {"aten::exp_(Tensor(a!) self) -> Tensor(a!)", unary_op_<exp>},
    {"aten::log(Tensor self) -> Tensor", unary_op<log>},
    {"aten::log_(Tensor(a!) self) -> Tensor(a!)", unary_op_<log>},
    {"aten::sqrt(Tensor self) -> Tensor", unary_op<sqrt>},
    {"aten::sqrt_(Tensor(a!) self) -> Tensor(a!)", unary_op_<sqrt>},
    {"aten::rsqrt(Tensor self) -> Tensor", unary_op<rsqrt>},
    {"aten::rsqrt_(Tensor(a!) self) -> Tensor(a!)", unary_op_<rsqrt>},
    {"aten::reciprocal(Tensor self) -> Tensor", unary_op<reciprocal>},
    {"aten::reciprocal_(Tensor(a!) self) -> Tensor(a!)", unary_op_<reciprocal>},
    {"aten::tanh(Tensor self) -> Tensor", unary_op<tanh>},
    {"aten::tanh_(Tensor(a!) self) -> Tensor(a!)", unary_op_<tanh>},
    {"aten::erf(Tensor self) -> Tensor", unary_op<erf>},
    {"aten::erf_(Tensor(a!) self) -> Tensor(a!)", unary_op_<erf>},
    {"aten::sigmoid(Tensor self) -> Tensor", unary_op<sigmoid>},
    {"aten::sigmoid_(Tensor(a!) self) -> Tensor(a!)", unary_op_<sigmoid>},
    {"aten::relu(Tensor self) -> Tensor", unary_op<relu>},
    {"aten::relu_(Tensor(a!) self) -> Tensor(a!)", unary_op_<relu>},
    {"aten::sign(Tensor self) -> Tensor", unary_op<sign>},
    {"aten::sign_(Tensor(a!) self) -> Tensor(a!)", unary_op_<sign>},
    {"aten::sgn(Tensor self) -> Tensor", unary_op<sign>},
    {"aten::sgn_(Tensor(a!) self) -> Tensor(a!)", unary_op_<sign>},
    {"aten::frac(Tensor self) -> Tensor", unary_op<frac>},
    {"aten::frac_(Tensor(a!) self) -> Tensor(a!)", unary_op_<frac>},
    {"aten::square(Tensor self) -> Tensor", unary_op<square>},
    {"aten::square_(Tensor(a!) self) -> Tensor(a!)", unary_op_<square>},
    {"aten::bitwise_not(Tensor self) -> Tensor", unary_op<bitwise_not>},
    {"aten::bitwise_not_(Tensor(a!) self) -> Tensor(a!)", unary_op_<bitwise_not>},
    {"aten::acos(Tensor self) -> Tensor", unary_op<float_fn<Formula::kAcos>>},
    {"aten::acos_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kAcos>>},
    {"aten::acosh(Tensor self) -> Tensor", unary_op<float_fn<Formula::kAcosh>>},
    {"aten::acosh_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kAcosh>>},
    {"aten::asin(Tensor self) -> Tensor", unary_op<float_fn<Formula::kAsin>>},
    {"aten::asin_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kAsin>>},
    {"aten::asinh(Tensor self) -> Tensor", unary_op<float_fn<Formula::kAsinh>>},
    {"aten::asinh_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kAsinh>>},
    {"aten::atan(Tensor self) -> Tensor", unary_op<float_fn<Formula::kAtan>>},
    {"aten::atan_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kAtan>>},
    {"aten::atanh(Tensor self) -> Tensor", unary_op<float_fn<Formula::kAtanh>>},
    {"aten::atanh_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kAtanh>>},
    {"aten::cos(Tensor self) -> Tensor", unary_op<float_fn<Formula::kCos>>},
    {"aten::cos_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kCos>>},
    {"aten::cosh(Tensor self) -> Tensor", unary_op<float_fn<Formula::kCosh>>},
    {"aten::cosh_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kCosh>>},
    {"aten::deg2rad(Tensor self) -> Tensor", unary_op<float_fn<Formula::kDeg2rad>>},
    {"aten::deg2rad_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kDeg2rad>>},
    {"aten::digamma(Tensor self) -> Tensor", unary_op<float_fn<Formula::kDigamma>>},
    {"aten::digamma_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kDigamma>>},
    {"aten::erfc(Tensor self) -> Tensor", unary_op<float_fn<Formula::kErfc>>},
    {"aten::erfc_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kErfc>>},
    {"aten::erfinv(Tensor self) -> Tensor", unary_op<float_fn<Formula::kErfinv>>},
    {"aten::erfinv_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kErfinv>>},
    {"aten::exp2(Tensor self) -> Tensor", unary_op<float_fn<Formula::kExp2>>},
    {"aten::exp2_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kExp2>>},
    {"aten::expm1(Tensor self) -> Tensor", unary_op<float_fn<Formula::kExpm1>>},
    {"aten::expm1_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kExpm1>>},
    {"aten::lgamma(Tensor self) -> Tensor", unary_op<float_fn<Formula::kLgamma>>},
    {"aten::lgamma_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kLgamma>>},
    {"aten::log10(Tensor self) -> Tensor", unary_op<float_fn<Formula::kLog10>>},
    {"aten::log10_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kLog10>>},
    {"aten::log1p(Tensor self) -> Tensor", unary_op<float_fn<Formula::kLog1p>>},
    {"aten::log1p_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kLog1p>>},
    {"aten::log2(Tensor self) -> Tensor", unary_op<float_fn<Formula::kLog2>>},
    {"aten::log2_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kLog2>>},
    {"aten::rad2deg(Tensor self) -> Tensor", unary_op<float_fn<Formula::kRad2deg>>},
    {"aten::rad2deg_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kRad2deg>>},
    {"aten::sin(Tensor self) -> Tensor", unary_op<float_fn<Formula::kSin>>},
    {"aten::sin_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kSin>>},
    {"aten::sinh(Tensor self) -> Tensor", unary_op<float_fn<Formula::kSinh>>},
    {"aten::sinh_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kSinh>>},
    {"aten::tan(Tensor self) -> Tensor", unary_op<float_fn<Formula::kTan>>},
    {"aten::tan_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kTan>>},
    {"aten::arctan(Tensor self) -> Tensor", unary_op<float_fn<Formula::kAtan>>},
    {"aten::arctan_(Tensor(a!) self) -> Tensor(a!)", unary_op_<float_fn<Formula::kAtan>>},
    {"aten::ceil(Tensor self) -> Tensor", unary_op<rounding_fn<Formula::kCeil>>},
    {"aten::ceil_(Tensor(a!) self) -> Tensor(a!)", unary_op_<rounding_fn<Formula::kCeil>>},
    {"aten::floor(Tensor self) -> Tensor", unary_op<rounding_fn<Formula::kFloor>>},
    {"aten::floor_(Tensor(a!) self) -> Tensor(a!)", unary_op_<rounding_fn<Formula::kFloor>>},
    {"aten::round(Tensor self) -> Tensor", unary_op<rounding_fn<Formula::kRound>>},
    {"aten::round_(Tensor(a!) self) -> Tensor(a!)", unary_op_<rounding_fn<Formula::kRound>>},
    {"aten::trunc(Tensor self) -> Tensor", unary_op<rounding_fn<Formula::kTrunc>>},
    {"aten::trunc_(Tensor(a!) self) -> Tensor(a!)", unary_op_<rounding_fn<Formula::kTrunc>>},
    {"aten::fix(Tensor self) -> Tensor", unary_op<rounding_fn<Formula::kTrunc>>},
    {"aten::fix_(Tensor(a!) self) -> Tensor(a!)", unary_op_<rounding_fn<Formula::kTrunc>>},
    {"aten::isnan(Tensor self) -> Tensor", unary_op<isnan>},
    {"aten::isinf(Tensor self) -> Tensor", unary_op<isinf>},
    {"aten::isposinf(Tensor self) -> Tensor", unary_op<isposinf>},
    {"aten::isneginf(Tensor self) -> Tensor", unary_op<isneginf>},
    {"aten::isfinite(Tensor self) -> Tensor", unary_op<isfinite>},
    {"aten::signbit(Tensor self) -> Tensor", unary_op<signbit>},
    {"aten::logical_not(Tensor self) -> Tensor", unary_op<logical_not>},
    {"aten::positive(Tensor(a) self) -> Tensor(a)", unary_op<positive>},
    {"aten::logical_not_(Tensor(a!) self) -> Tensor(a!)", logical_not_},
    {"aten::round.decimals(Tensor self, *, int decimals) -> Tensor", round_decimals},
    {"aten::logit(Tensor self, float? eps=None) -> Tensor", logit},
    {"aten::nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor",
     nan_to_num},
    {"aten::special_expit(Tensor self) -> Tensor", unary_op<sigmoid>},
};

}  // namespace

OpTable unary_ops() { return kUnaryOps; }

}  // namespace calque::ops
