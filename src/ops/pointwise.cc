// Element-wise operators of two or three tensors beyond the four basic ones.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/binary.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

template <class Op>
Op int_pow(Op base, Op exponent) {
  if (std::is_signed_v<Op> && exponent < Op(0)) {
    if (base == Op(1)) return 1;
    if (std::is_signed_v<Op> && base == static_cast<Op>(-1))
      return exponent % 2 == 0 ? Op(1) : static_cast<Op>(-1);
    return 0;
  }
  Op result = 1;
  for (; exponent != 0; exponent = static_cast<Op>(exponent / 2)) {
    if (exponent % 2 != 0) result = wrap_mul(result, base);
    base = wrap_mul(base, base);
  }
  return result;
}

bool is_integer_like(ScalarType dtype) { return is_integral(dtype) || dtype == kBool; }

void pow_tensor_scalar_check(const Tensor& base, const Scalar& exponent) {
  if (is_integer_like(base.dtype()) && !exponent.is_floating_point() && exponent.to_int() < 0) {
    throw RuntimeError("Integers to negative integer powers are not allowed.");
  }
}

}  // namespace

Tensor pow(const Tensor& base, const Tensor& exponent) {
  return numeric_binary(promote(base, exponent), "pow", []<class Op>(Op x, Op y) {
    if constexpr (std::is_integral_v<Op>) {
      return int_pow(x, y);
    } else {
      return std::pow(x, y);
    }
  });
}

namespace {

/// f on all dtypes, bool included.
template <class F>
Tensor ordered_binary(const Tensor& a, const Tensor& b, std::string_view name, F f) {
  const Operands o = promote(a, b);
  const Tensor out = binary_result(o, o.dtype);
  dispatch_all(o.dtype, name, [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, o.a, o.b, f); });
  return out;
}

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) {
  return ordered_binary(a, b, "maximum_cpu", [](auto x, auto y) { return x != x || x > y ? x : y; });
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  return ordered_binary(a, b, "minimum_cpu", [](auto x, auto y) { return x != x || x < y ? x : y; });
}

namespace {

Tensor fmax(const Tensor& a, const Tensor& b) {
  return ordered_binary(a, b, "fmax_cpu", [](auto x, auto y) { return y != y || x > y ? x : y; });
}

Tensor fmin(const Tensor& a, const Tensor& b) {
  return ordered_binary(a, b, "fmin_cpu", [](auto x, auto y) { return y != y || x < y ? x : y; });
}

/// Operands in the floating dtype of their promotion.
Operands promote_float(const Tensor& a, const Tensor& b) {
  return promote(a, b, float_type_of(result_type({a, b})));
}

Tensor atan2(const Tensor& a, const Tensor& b) {
  return floating_binary(promote_float(a, b), "atan2_cpu", [](auto x, auto y) { return std::atan2(x, y); });
}

Tensor hypot(const Tensor& a, const Tensor& b) {
  return floating_binary(promote(a, b), "hypot_cpu", [](auto x, auto y) { return std::hypot(x, y); });
}

Tensor copysign(const Tensor& a, const Tensor& b) {
  return floating_binary(promote_float(a, b), "copysign_cpu",
                         [](auto x, auto y) { return std::copysign(x, y); });
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  return floating_binary(promote(a, b), "logaddexp_cpu", [](auto x, auto y) {
    if (std::isinf(x) && x == y) return x;
    const auto high = x > y || x != x ? x : y;
    return high + std::log1p(std::exp(-std::fabs(x - y)));
  });
}

Tensor xlogy(const Tensor& a, const Tensor& b) {
  return floating_binary(promote_float(a, b), "xlogy_cpu", []<class Op>(Op x, Op y) {
    if (std::isnan(y)) return y;
    return x == 0 ? Op(0) : x * std::log(y);
  });
}

Tensor gcd(const Tensor& a, const Tensor& b) {
  const Operands o = promote(a, b);
  const Tensor out = binary_result(o, o.dtype);
  dispatch_integral(o.dtype, "gcd_cpu", [&]<class T>(TypeTag<T>) {
    map_binary<T, T>(out, o.a, o.b, [](T x, T y) {
      const auto magnitude = [](T v) {
        return v < T(0) ? uint64_t{0} - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
      };
      return static_cast<T>(std::gcd(magnitude(x), magnitude(y)));
    });
  });
  return out;
}

/// pow in float64.
Tensor float_power(const Tensor& base, const Tensor& exponent) {
  return pow(base.to(kDouble), exponent.to(kDouble));
}

void float_power_scalar(OpCall& c) {
  c.ret(float_power(number_tensor(c.scalar(0)), c.tensor(1)).contiguous());
}

Tensor heaviside(const Tensor& x, const Tensor& values) {
  if (x.dtype() != values.dtype()) {
    throw RuntimeError("heaviside is not yet implemented for tensors with different dtypes.");
  }
  return ordered_binary(x, values, "heaviside_cpu", []<class Op>(Op v, Op at_zero) {
    return v == Op(0) ? at_zero : static_cast<Op>(v > Op(0) ? 1 : 0);
  });
}

/// Kronecker product of tensors of any rank; missing leading dimensions are 1.
Tensor kron(const Tensor& a, const Tensor& b) {
  const size_t rank = std::max(a.sizes().size(), b.sizes().size());
  Dims a_shape;
  Dims b_shape;
  Dims sizes;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t m = i + a.sizes().size() >= rank ? a.sizes()[i + a.sizes().size() - rank] : 1;
    const int64_t n = i + b.sizes().size() >= rank ? b.sizes()[i + b.sizes().size() - rank] : 1;
    a_shape.insert(a_shape.end(), {m, 1});
    b_shape.insert(b_shape.end(), {1, n});
    int64_t size = 0;
    if (__builtin_mul_overflow(m, n, &size)) throw RuntimeError("numel: integer multiplication overflow");
    sizes.push_back(size);
  }
  return mul(a.reshape(a_shape), b.reshape(b_shape)).contiguous().view(sizes);
}

void pow_tensor_scalar(OpCall& c) {
  pow_tensor_scalar_check(c.tensor(0), c.scalar(1));
  c.ret(pow(c.tensor(0), number_tensor(c.scalar(1))));
}

void pow_tensor_scalar_(OpCall& c) {
  pow_tensor_scalar_check(c.tensor(0), c.scalar(1));
  write_in_place(c.tensor(0), pow(c.tensor(0), number_tensor(c.scalar(1))));
  c.ret(c[0]);
}

void pow_scalar(OpCall& c) {
  const Tensor base = number_tensor(c.scalar(0));
  const Tensor exponent = c.tensor(1);
  if (c.scalar(0).to_double() != 1) return c.ret(pow(base, exponent).contiguous());
  c.ret(full(exponent.sizes(), Scalar(1), result_type({base, exponent})));
}

/// self + value * (t1 op t2), in the promoted dtype.
template <bool Divide>
Tensor addc(const Tensor& self, const Tensor& t1, const Tensor& t2, const Scalar& value) {
  const ScalarType dtype = result_type({self, t1, t2});
  if (Divide && is_integer_like(t1.dtype()) && is_integer_like(t2.dtype())) {
    throw RuntimeError(
        "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform "
        "a true "
        "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value "
        "* "
        "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 "
        "/ tensor2) for "
        "float inputs. The future addcdiv behavior is just the latter implementation: (input + value * "
        "tensor1 / tensor2), "
        "for all dtypes.");
  }
  const std::array<Tensor, 3> operands = {self.to(dtype), t1.to(dtype), t2.to(dtype)};
  const Tensor out = elementwise_result(operands, dtype);
  dispatch_numeric(dtype, Divide ? "addcdiv_cpu_out" : "addcmul_cpu_out", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    const Op k = scalar_to<Op>(value);
    map_ternary<T>(out, operands[0], operands[1], operands[2], [=](Op x, Op y, Op z) {
      if constexpr (!Divide) {
        return wrap_add(x, wrap_mul(wrap_mul(k, y), z));
      } else if constexpr (std::is_floating_point_v<Op>) {
        return x + k * y / z;
      } else {
        return x;
      }
    });
  });
  return out;
}

template <bool Divide>
void addc_op(OpCall& c) {
  c.ret(addc<Divide>(c.tensor(0), c.tensor(1), c.tensor(2), c.scalar(3)));
}

template <bool Divide>
void addc_op_(OpCall& c) {
  write_in_place(c.tensor(0), addc<Divide>(c.tensor(0), c.tensor(1), c.tensor(2), c.scalar(3)),
                 {c.tensor(1), c.tensor(2)});
  c.ret(c[0]);
}

/// The weight's side decides which form is exact at its end.
template <class Op>
Op lerp_of(Op start, Op end, Op weight) {
  return std::fabs(weight) < Op(0.5) ? start + weight * (end - start)
                                     : end - (end - start) * (Op(1) - weight);
}

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight) {
  if (start.dtype() != end.dtype()) {
    throw RuntimeError(cat("expected dtype ", dtype_name(start.dtype()), " for `end` but got dtype ",
                           dtype_name(end.dtype())));
  }
  const std::array<Tensor, 3> operands = {start, end, weight.to(start.dtype())};
  const Tensor out = elementwise_result(operands, start.dtype());
  dispatch_floating(start.dtype(), "lerp_kernel", [&]<class T>(TypeTag<T>) {
    map_ternary<T>(out, operands[0], operands[1], operands[2],
                   [](auto x, auto y, auto w) { return lerp_of(x, y, w); });
  });
  return out;
}

void lerp_op(OpCall& c) { c.ret(lerp(c.tensor(0), c.tensor(1), tensor_or_number(c[2]))); }
void lerp_op_(OpCall& c) {
  write_in_place(c.tensor(0), lerp(c.tensor(0), c.tensor(1), tensor_or_number(c[2])), {c.tensor(1)});
  c.ret(c[0]);
}

/// x limited to [low, high]; either may be undefined; a low above high gives high.
Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high) {
  if (!low.defined() && !high.defined()) {
    throw RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None");
  }
  std::vector<Tensor> present = {x};
  if (low.defined()) present.push_back(low);
  if (high.defined()) present.push_back(high);
  const ScalarType dtype = result_type(present);
  if (dtype == kBool) throw_not_implemented("clamp_scalar_cpu", dtype);
  Tensor out = x.to(dtype);
  if (low.defined()) out = maximum(out, low.to(dtype));
  if (high.defined()) out = minimum(out, high.to(dtype));
  return out.is_same(x) ? x.clone() : out;
}

Tensor optional_bound(const IValue& value) { return value.isNone() ? Tensor() : tensor_or_number(value); }

void clamp_op(OpCall& c) { c.ret(clamp(c.tensor(0), optional_bound(c[1]), optional_bound(c[2]))); }
void clamp_op_(OpCall& c) {
  write_in_place(c.tensor(0), clamp(c.tensor(0), optional_bound(c[1]), optional_bound(c[2])));
  c.ret(c[0]);
}
Tensor clamp_min(const Tensor& x, const Tensor& low) { return clamp(x, low, Tensor()); }
Tensor clamp_max(const Tensor& x, const Tensor& high) { return clamp(x, Tensor(), high); }

constexpr OpRow kPointwiseOps[] = {
    {"aten::pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", binary_op<pow>},
    {"aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", pow_tensor_scalar},
    {"aten::pow.Scalar(Scalar self, Tensor exponent) -> Tensor", pow_scalar},
    {"aten::pow_.Scalar(Tensor(a!) self, Scalar exponent) -> Tensor(a!)", pow_tensor_scalar_},
    {"aten::pow_.Tensor(Tensor(a!) self, Tensor exponent) -> Tensor(a!)", binary_op_<pow>},
    {"aten::float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", binary_op<float_power>},
    {"aten::float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", binary_op<float_power>},
    {"aten::float_power.Scalar(Scalar self, Tensor exponent) -> Tensor", float_power_scalar},
    {"aten::heaviside(Tensor self, Tensor values) -> Tensor", binary_op<heaviside>},
    {"aten::kron(Tensor self, Tensor other) -> Tensor", binary_op<kron>},
    {"aten::maximum(Tensor self, Tensor other) -> Tensor", binary_op<maximum>},
    {"aten::minimum(Tensor self, Tensor other) -> Tensor", binary_op<minimum>},
    {"aten::max.other(Tensor self, Tensor other) -> Tensor", binary_op<maximum>},
    {"aten::min.other(Tensor self, Tensor other) -> Tensor", binary_op<minimum>},
    {"aten::fmax(Tensor self, Tensor other) -> Tensor", binary_op<fmax>},
    {"aten::fmin(Tensor self, Tensor other) -> Tensor", binary_op<fmin>},
    {"aten::atan2(Tensor self, Tensor other) -> Tensor", binary_op<atan2>},
    {"aten::hypot(Tensor self, Tensor other) -> Tensor", binary_op<hypot>},
    {"aten::copysign.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<copysign>},
    {"aten::copysign.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<copysign>},
    {"aten::logaddexp(Tensor self, Tensor other) -> Tensor", binary_op<logaddexp>},
    {"aten::xlogy.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<xlogy>},
    {"aten::xlogy.Scalar_Other(Tensor self, Scalar other) -> Tensor", binary_op<xlogy>},
    {"aten::xlogy.Scalar_Self(Scalar self, Tensor other) -> Tensor", binary_op<xlogy>},
    {"aten::gcd(Tensor self, Tensor other) -> Tensor", binary_op<gcd>},
    {"aten::addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
     addc_op<false>},
    {"aten::addcmul_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)",
     addc_op_<false>},
    {"aten::addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor",
     addc_op<true>},
    {"aten::addcdiv_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)",
     addc_op_<true>},
    {"aten::lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor", lerp_op},
    {"aten::lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor", lerp_op},
    {"aten::lerp_.Scalar(Tensor(a!) self, Tensor end, Scalar weight) -> Tensor(a!)", lerp_op_},
    {"aten::lerp_.Tensor(Tensor(a!) self, Tensor end, Tensor weight) -> Tensor(a!)", lerp_op_},
    {"aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", clamp_op},
    {"aten::clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", clamp_op},
    {"aten::clamp_(Tensor(a!) self, Scalar? min=None, Scalar? max=None) -> Tensor(a!)", clamp_op_},
    {"aten::clamp_.Tensor(Tensor(a!) self, Tensor? min=None, Tensor? max=None) -> Tensor(a!)", clamp_op_},
    {"aten::clip(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", clamp_op},
    {"aten::clip.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", clamp_op},
    {"aten::clamp_min(Tensor self, Scalar min) -> Tensor", binary_op<clamp_min>},
    {"aten::clamp_min.Tensor(Tensor self, Tensor min) -> Tensor", binary_op<clamp_min>},
    {"aten::clamp_min_(Tensor(a!) self, Scalar min) -> Tensor(a!)", binary_op_<clamp_min>},
    {"aten::clamp_min_.Tensor(Tensor(a!) self, Tensor min) -> Tensor(a!)", binary_op_<clamp_min>},
    {"aten::clamp_max(Tensor self, Scalar max) -> Tensor", binary_op<clamp_max>},
    {"aten::clamp_max.Tensor(Tensor self, Tensor max) -> Tensor", binary_op<clamp_max>},
    {"aten::clamp_max_(Tensor(a!) self, Scalar max) -> Tensor(a!)", binary_op_<clamp_max>},
    {"aten::clamp_max_.Tensor(Tensor(a!) self, Tensor max) -> Tensor(a!)", binary_op_<clamp_max>},
};

}  // namespace

OpTable pointwise_ops() { return kPointwiseOps; }

}  // namespace calque::ops
