// add, sub, mul, div and their variants.
#include "ops/arithmetic.h"

#include <cmath>

#include "kernels/pointwise/pointwise.h"
#include "ops/binary.h"
#include "ops/division.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

/// float32 through the vector kernels. False when the layout is none that they take.
bool run_kernel(kernels::Binary op, const Tensor& out, const Operands& o) {
  if (o.dtype != kFloat) return false;
  const IntArrayRef sizes = out.sizes();
  const StridedLoop<3> loop(sizes,
                            {strides_of(out), broadcast_strides(o.a, sizes), broadcast_strides(o.b, sizes)});
  bool fits = true;
  loop.for_each_plane([&](int64_t, int64_t, const auto&, const auto&, const auto& s) {
    fits = fits && s[0] == 1 && (s[1] == 0 || s[1] == 1) && (s[2] == 0 || s[2] == 1);
  });
  if (!fits) return false;
  loop.for_each_plane([&](int64_t rows, int64_t n, const auto& at, const auto& row, const auto& s) {
    kernels::binary(op, {.rows = rows,
                         .cols = n,
                         .a = elements<float>(o.a) + at[1],
                         .a_row = row[1],
                         .a_col = s[1],
                         .b = elements<float>(o.b) + at[2],
                         .b_row = row[2],
                         .b_col = s[2],
                         .out = elements<float>(out) + at[0],
                         .out_row = row[0]});
  });
  return true;
}

/// A number beside a 16-bit float keeps float32 precision.
template <class F>
bool run_half_with_number(const Tensor& out, const Tensor& a, const Tensor& b, ScalarType dtype, F f) {
  if ((dtype != kHalf && dtype != kBFloat16) || b.dim() != 0) return false;
  const auto number = static_cast<float>(b.item().to_double());
  const Tensor x = a.to(dtype);
  dispatch_floating(dtype, "binary", [&]<class T>(TypeTag<T>) {
    map_unary<T, T>(out, x,
                    [&](OpType<T> v) { return static_cast<OpType<T>>(f(static_cast<float>(v), number)); });
  });
  return true;
}

/// f over all dtypes, bool included; float32 through `kernel`.
template <class F>
Tensor arithmetic(kernels::Binary kernel, const Tensor& a, const Tensor& b, ScalarType dtype, F f) {
  const Operands o = promote(a, b, dtype);
  const Tensor out = binary_result(o, dtype);
  if (run_kernel(kernel, out, o) || run_half_with_number(out, a, b, dtype, f)) return out;
  dispatch_all(dtype, "binary", [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, o.a, o.b, f); });
  return out;
}

void check_alpha(ScalarType dtype, const Scalar& alpha) {
  if (alpha.is_bool() && dtype != kBool)
    throw RuntimeError("Boolean alpha only supported for Boolean results.");
  if (alpha.is_floating_point() && !is_floating_point(dtype)) {
    throw RuntimeError("For integral input tensors, argument alpha must not be a floating point number.");
  }
}

bool is_one(const Scalar& alpha) { return alpha.to_double() == 1; }

/// a + factor * b
Tensor add_scaled(const Tensor& a, const Tensor& b, ScalarType dtype, const Scalar& factor) {
  const Operands o = promote(a, b, dtype);
  const Tensor out = binary_result(o, dtype);
  dispatch_all(dtype, "add_stub", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    const Op k = scalar_to<Op>(factor);
    map_binary<T, T>(out, o.a, o.b, [k](Op x, Op y) {
      if constexpr (std::is_same_v<Op, bool>) {
        return x || (k && y);
      } else {
        return wrap_add(x, wrap_mul(k, y));
      }
    });
  });
  return out;
}

Scalar negated(const Scalar& alpha) {
  return alpha.is_floating_point() ? Scalar(-alpha.to_double())
                                   : Scalar(wrap_sub<int64_t>(0, alpha.to_int()));
}

void check_no_bool(const Tensor& a, const Tensor& b) {
  if (a.dtype() == kBool && b.dtype() == kBool) {
    throw RuntimeError(
        "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
        "`logical_xor()` operator "
        "instead.");
  }
  if (a.dtype() == kBool || b.dtype() == kBool) {
    throw RuntimeError(
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
        "mask, use the "
        "`~` or `logical_not()` operator instead.");
  }
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  const ScalarType dtype = result_type({a, b});
  check_alpha(dtype, alpha);
  if (!is_one(alpha)) return add_scaled(a, b, dtype, alpha);
  return arithmetic(kernels::Binary::kAdd, a, b, dtype, []<class Op>(Op x, Op y) {
    if constexpr (std::is_same_v<Op, bool>) {
      return x || y;
    } else {
      return wrap_add(x, y);
    }
  });
}

Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha) {
  check_no_bool(a, b);
  const ScalarType dtype = result_type({a, b});
  check_alpha(dtype, alpha);
  if (!is_one(alpha)) return add_scaled(a, b, dtype, negated(alpha));
  return arithmetic(kernels::Binary::kSub, a, b, dtype, []<class Op>(Op x, Op y) { return wrap_sub(x, y); });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  return arithmetic(kernels::Binary::kMul, a, b, result_type({a, b}), []<class Op>(Op x, Op y) {
    if constexpr (std::is_same_v<Op, bool>) {
      return x && y;
    } else {
      return wrap_mul(x, y);
    }
  });
}

Tensor div(const Tensor& a, const Tensor& b) {
  return arithmetic(kernels::Binary::kDiv, a, b, float_type_of(result_type({a, b})),
                    []<class Op>(Op x, Op y) {
                      if constexpr (std::is_floating_point_v<Op>) {
                        return x / y;
                      } else {
                        return x;
                      }
                    });
}

namespace {

void add_op(OpCall& c) { c.ret(add(c.tensor(0), tensor_or_number(c[1]), c.scalar(2))); }
void sub_op(OpCall& c) { c.ret(sub(c.tensor(0), tensor_or_number(c[1]), c.scalar(2))); }
void rsub_op(OpCall& c) { c.ret(sub(tensor_or_number(c[1]), c.tensor(0), c.scalar(2))); }

void add_op_(OpCall& c) {
  const Tensor other = tensor_or_number(c[1]);
  write_in_place(c.tensor(0), add(c.tensor(0), other, c.scalar(2)), {other});
  c.ret(c[0]);
}

void sub_op_(OpCall& c) {
  const Tensor other = tensor_or_number(c[1]);
  write_in_place(c.tensor(0), sub(c.tensor(0), other, c.scalar(2)), {other});
  c.ret(c[0]);
}

void div_out(OpCall& c) {
  write_in_place(c.tensor(2), div(c.tensor(0), c.tensor(1)), {c.tensor(0), c.tensor(1)});
  c.ret(c[2]);
}

void div_mode(OpCall& c) { c.ret(div_rounded(c.tensor(0), tensor_or_number(c[1]), rounding_of(c[2]))); }

void div_mode_(OpCall& c) {
  const Tensor other = tensor_or_number(c[1]);
  write_in_place(c.tensor(0), div_rounded(c.tensor(0), other, rounding_of(c[2])), {other});
  c.ret(c[0]);
}

constexpr OpRow kArithmeticOps[] = {
    {"aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", add_op},
    {"aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", add_op},
    {"aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)", add_op_},
    {"aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)", add_op_},
    {"aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", sub_op},
    {"aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", sub_op},
    {"aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)", sub_op_},
    {"aten::sub_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)", sub_op_},
    {"aten::subtract.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", sub_op},
    {"aten::subtract.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", sub_op},
    {"aten::rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", rsub_op},
    {"aten::rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", rsub_op},
    {"aten::mul.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<mul>},
    {"aten::mul.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<mul>},
    {"aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<mul>},
    {"aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<mul>},
    {"aten::multiply.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<mul>},
    {"aten::multiply.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<mul>},
    {"aten::div.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<div>},
    {"aten::div.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<div>},
    {"aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor", div_mode},
    {"aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor", div_mode},
    {"aten::div.out(Tensor self, Tensor other, *, Tensor(a!) out) -> Tensor(a!)", div_out},
    {"aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<div>},
    {"aten::div_.Tensor_mode(Tensor(a!) self, Tensor other, *, str? rounding_mode) -> Tensor(a!)", div_mode_},
    {"aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<div>},
    {"aten::div_.Scalar_mode(Tensor(a!) self, Scalar other, *, str? rounding_mode) -> Tensor(a!)", div_mode_},
    {"aten::divide.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<div>},
    {"aten::divide.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<div>},
    {"aten::divide.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor", div_mode},
    {"aten::divide.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor", div_mode},
    {"aten::divide_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<div>},
    {"aten::divide_.Tensor_mode(Tensor(a!) self, Tensor other, *, str? rounding_mode) -> Tensor(a!)",
     div_mode_},
    {"aten::divide_.Scalar_mode(Tensor(a!) self, Scalar other, *, str? rounding_mode) -> Tensor(a!)",
     div_mode_},
    {"aten::divide_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<div>},
    {"aten::true_divide_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<div>},
    {"aten::true_divide_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<div>},
    {"aten::true_divide.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<div>},
    {"aten::true_divide.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<div>},
    {"aten::floor_divide(Tensor self, Tensor other) -> Tensor", binary_op<floor_divide>},
    {"aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<floor_divide>},
    {"aten::floor_divide_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<floor_divide>},
    {"aten::floor_divide_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<floor_divide>},
    {"aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<remainder>},
    {"aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<remainder>},
    {"aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", binary_op<remainder>},
    {"aten::remainder_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<remainder>},
    {"aten::remainder_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<remainder>},
    {"aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor", binary_op<fmod>},
    {"aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor", binary_op<fmod>},
    {"aten::fmod_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", binary_op_<fmod>},
    {"aten::fmod_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", binary_op_<fmod>},
};

}  // namespace

OpTable arithmetic_ops() { return kArithmeticOps; }

}  // namespace calque::ops
