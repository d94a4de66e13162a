// Arithmetic of Python numbers. One function serves the int, float and Scalar overloads: the kinds of its
// arguments decide.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/division.h"
#include "ops/tables.h"
#include "ops/unary.h"

namespace calque::ops {

namespace {

bool both_ints(const OpCall& c) { return !c[0].isDouble() && !c[1].isDouble(); }
int64_t as_int(const IValue& v) { return v.toScalar().to_int(); }

/// f of two ints, g of two floats.
template <class F, class G>
void binary(OpCall& c, F f, G g) {
  if (both_ints(c)) {
    c.ret(f(as_int(c[0]), as_int(c[1])));
  } else {
    c.ret(static_cast<double>(g(c.number(0), c.number(1))));
  }
}

void add_numbers(OpCall& c) {
  binary(c, wrap_add<int64_t>, [](double a, double b) { return a + b; });
}
void sub_numbers(OpCall& c) {
  binary(c, wrap_sub<int64_t>, [](double a, double b) { return a - b; });
}
void mul_numbers(OpCall& c) {
  binary(c, wrap_mul<int64_t>, [](double a, double b) { return a * b; });
}
void div_numbers(OpCall& c) { c.ret(c.number(0) / c.number(1)); }

void check_divisor(const OpCall& c) {
  if (c.number(1) == 0) throw RuntimeError("division by 0");
}

void floordiv(OpCall& c) {
  if (both_ints(c)) check_divisor(c);
  binary(c, int_div_floor<int64_t>, [](double a, double b) { return std::floor(a / b); });
}

double python_mod(double a, double b) { return std::fmod(std::fmod(a, b) + b, b); }
void remainder(OpCall& c) {
  if (both_ints(c)) check_divisor(c);
  binary(c, int_remainder<int64_t>, python_mod);
}

void divmod(OpCall& c) {
  if (c.number(1) == 0)
    throw RuntimeError(both_ints(c) ? "ZeroDivisionError: integer division or modulo by zero"
                                    : "ZeroDivisionError: float divmod()");
  if (both_ints(c)) {
    const int64_t a = as_int(c[0]);
    const int64_t b = as_int(c[1]);
    c.ret(int_div_floor(a, b), 0);
    c.ret(int_remainder(a, b), 1);
    return;
  }
  const double rest = python_mod(c.number(0), c.number(1));
  c.ret((c.number(0) - rest) / c.number(1), 0);
  c.ret(rest, 1);
}

void round_to_zero_floordiv(OpCall& c) {
  check_divisor(c);
  c.ret(int_div_trunc(c.integer(0), c.integer(1)));
}

void fmod_number(OpCall& c) { c.ret(std::fmod(c.number(0), c.number(1))); }
void math_remainder(OpCall& c) { c.ret(std::remainder(c.number(0), c.number(1))); }
void pow_float(OpCall& c) {
  if (c.number(0) == 0 && c.number(1) < 0) throw RuntimeError("0.0 cannot be raised to a negative power");
  c.ret(std::pow(c.number(0), c.number(1)));
}
void pow_numbers(OpCall& c) { c.ret(std::pow(c.number(0), c.number(1))); }
void pow_int(OpCall& c) {
  const double value = std::pow(c.number(0), c.number(1));
  c.ret(Scalar(value).to_int());
}

void neg(OpCall& c) {
  if (c[0].isDouble()) return c.ret(-c.number(0));
  c.ret(wrap_sub<int64_t>(0, as_int(c[0])));
}
void abs(OpCall& c) {
  if (c[0].isDouble()) return c.ret(std::fabs(c.number(0)));
  const int64_t value = as_int(c[0]);
  c.ret(value < 0 ? wrap_sub<int64_t>(0, value) : value);
}

void abs_tensor(OpCall& c) { c.ret(ops::abs(c.tensor(0))); }

/// Exact for ints, which a double would not be; beside NaN the second is given, as in PyTorch.
void min(OpCall& c) {
  binary(
      c, [](int64_t a, int64_t b) { return std::min(a, b); },
      [](double a, double b) { return a < b ? a : b; });
}
void max(OpCall& c) {
  binary(
      c, [](int64_t a, int64_t b) { return std::max(a, b); },
      [](double a, double b) { return a > b ? a : b; });
}

// --- comparisons

template <class F>
bool compare(const OpCall& c, F f) {
  if (both_ints(c)) return f(as_int(c[0]), as_int(c[1]));
  return f(c.number(0), c.number(1));
}
void eq(OpCall& c) {
  c.ret(compare(c, [](auto a, auto b) { return a == b; }));
}
void ne(OpCall& c) {
  c.ret(compare(c, [](auto a, auto b) { return a != b; }));
}
void lt(OpCall& c) {
  c.ret(compare(c, [](auto a, auto b) { return a < b; }));
}
void le(OpCall& c) {
  c.ret(compare(c, [](auto a, auto b) { return a <= b; }));
}
void gt(OpCall& c) {
  c.ret(compare(c, [](auto a, auto b) { return a > b; }));
}
void ge(OpCall& c) {
  c.ret(compare(c, [](auto a, auto b) { return a >= b; }));
}

template <class F>
void compare_strings(OpCall& c, F f) {
  c.ret(f(c[0].toStringRef().compare(c[1].toStringRef())));
}
void lt_str(OpCall& c) {
  compare_strings(c, [](int order) { return order < 0; });
}
void le_str(OpCall& c) {
  compare_strings(c, [](int order) { return order <= 0; });
}
void gt_str(OpCall& c) {
  compare_strings(c, [](int order) { return order > 0; });
}
void ge_str(OpCall& c) {
  compare_strings(c, [](int order) { return order >= 0; });
}
void eq_value(OpCall& c) { c.ret(c[0] == c[1]); }
void ne_value(OpCall& c) { c.ret(!(c[0] == c[1])); }

// --- bits and logic

void and_bits(OpCall& c) {
  if (c[0].isBool()) return c.ret(c.boolean(0) && c.boolean(1));
  c.ret(c.integer(0) & c.integer(1));
}
void or_bits(OpCall& c) {
  if (c[0].isBool()) return c.ret(c.boolean(0) || c.boolean(1));
  c.ret(c.integer(0) | c.integer(1));
}
void xor_bits(OpCall& c) {
  if (c[0].isBool()) return c.ret(c.boolean(0) != c.boolean(1));
  c.ret(c.integer(0) ^ c.integer(1));
}
/// Counts are taken modulo 64, as x86 does it.
int shift_count(const OpCall& c) { return static_cast<int>(c.integer(1) & 63); }
void shift_left(OpCall& c) {
  c.ret(static_cast<int64_t>(static_cast<uint64_t>(c.integer(0)) << shift_count(c)));
}
void shift_right(OpCall& c) { c.ret(c.integer(0) >> shift_count(c)); }
void logical_not(OpCall& c) { c.ret(!c.boolean(0)); }

constexpr OpRow kNumberOps[] = {
    {"aten::add.int(int a, int b) -> int", add_numbers},
    {"aten::add.float(float a, float b) -> float", add_numbers},
    {"aten::add.int_float(int a, float b) -> float", add_numbers},
    {"aten::add.float_int(float a, int b) -> float", add_numbers},
    {"aten::add(Scalar a, Scalar b) -> Scalar", add_numbers},
    {"aten::sub.int(int a, int b) -> int", sub_numbers},
    {"aten::sub.float(float a, float b) -> float", sub_numbers},
    {"aten::sub.int_float(int a, float b) -> float", sub_numbers},
    {"aten::sub.float_int(float a, int b) -> float", sub_numbers},
    {"aten::sub(Scalar a, Scalar b) -> Scalar", sub_numbers},
    {"aten::mul.int(int a, int b) -> int", mul_numbers},
    {"aten::mul.float(float a, float b) -> float", mul_numbers},
    {"aten::mul.int_float(int a, float b) -> float", mul_numbers},
    {"aten::mul.float_int(float a, int b) -> float", mul_numbers},
    {"aten::mul(Scalar a, Scalar b) -> Scalar", mul_numbers},
    {"aten::div.int(int a, int b) -> float", div_numbers},
    {"aten::div.float(float a, float b) -> float", div_numbers},
    {"aten::div(Scalar a, Scalar b) -> float", div_numbers},
    {"aten::floordiv.int(int a, int b) -> int", floordiv},
    {"aten::floordiv.float(float a, float b) -> float", floordiv},
    {"aten::floordiv.int_float(int a, float b) -> float", floordiv},
    {"aten::floordiv.float_int(float a, int b) -> float", floordiv},
    {"aten::floordiv(Scalar a, Scalar b) -> Scalar", floordiv},
    {"aten::remainder.int(int a, int b) -> int", remainder},
    {"aten::remainder.float(float a, float b) -> float", remainder},
    {"aten::remainder.int_float(int a, float b) -> float", remainder},
    {"aten::remainder.float_int(float a, int b) -> float", remainder},
    {"aten::remainder(Scalar a, Scalar b) -> Scalar", remainder},
    {"aten::divmod.int(int x, int y) -> (int, int)", divmod},
    {"aten::divmod.float(float x, float y) -> (float, float)", divmod},
    {"aten::divmod.int_float(int x, float y) -> (float, float)", divmod},
    {"aten::divmod.float_int(float x, int y) -> (float, float)", divmod},
    {"aten::__round_to_zero_floordiv.int(int a, int b) -> int", round_to_zero_floordiv},
    {"aten::fmod.int(int a, int b) -> float", fmod_number},
    {"aten::fmod.float(float a, float b) -> float", fmod_number},
    {"aten::fmod.int_float(int a, float b) -> float", fmod_number},
    {"aten::fmod.float_int(float a, int b) -> float", fmod_number},
    {"aten::fmod(Scalar a, Scalar b) -> float", fmod_number},
    {"aten::mathremainder.int(int a, int b) -> float", math_remainder},
    {"aten::mathremainder.float(float a, float b) -> float", math_remainder},
    {"aten::mathremainder.int_float(int a, float b) -> float", math_remainder},
    {"aten::mathremainder.float_int(float a, int b) -> float", math_remainder},
    {"aten::mathremainder(Scalar a, Scalar b) -> float", math_remainder},
    {"aten::pow.int(int a, int b) -> float", pow_float},
    {"aten::pow.float(float a, float b) -> float", pow_float},
    {"aten::pow.int_float(int a, float b) -> float", pow_float},
    {"aten::pow.float_int(float a, int b) -> float", pow_float},
    {"aten::pow.Scalar_Scalar(Scalar a, Scalar b) -> float", pow_numbers},
    {"aten::pow.int_to_int(int a, int b) -> int", pow_int},
    {"aten::neg.int(int a) -> int", neg},
    {"aten::neg.float(float a) -> float", neg},
    {"aten::neg.Scalar(Scalar a) -> Scalar", neg},
    {"prim::abs.int(int a) -> int", abs},
    {"prim::abs.float(float a) -> float", abs},
    {"prim::abs.Scalar(Scalar a) -> Scalar", abs},
    {"prim::abs(Tensor x) -> Tensor", abs_tensor},
    {"prim::min.int(int a, int b) -> int", min},
    {"prim::min.float(float a, float b) -> float", min},
    {"prim::min.int_float(int a, float b) -> float", min},
    {"prim::min.float_int(float a, int b) -> float", min},
    {"prim::min(Scalar a, Scalar b) -> Scalar", min},
    {"prim::max.int(int a, int b) -> int", max},
    {"prim::max.float(float a, float b) -> float", max},
    {"prim::max.int_float(int a, float b) -> float", max},
    {"prim::max.float_int(float a, int b) -> float", max},
    {"prim::max(Scalar a, Scalar b) -> Scalar", max},
    {"aten::eq.int_list(int[] a, int[] b) -> bool", eq_value},
    {"aten::eq.device(Device a, Device b) -> bool", eq_value},
    {"aten::eq.bool(bool a, bool b) -> bool", eq_value},
    {"aten::eq.enum(AnyEnumType a, AnyEnumType b) -> bool", eq_value},
    {"aten::eq.int(int a, int b) -> bool", eq},
    {"aten::eq.float(float a, float b) -> bool", eq},
    {"aten::eq.int_float(int a, float b) -> bool", eq},
    {"aten::eq.float_int(float a, int b) -> bool", eq},
    {"aten::eq(Scalar a, Scalar b) -> bool", eq},
    {"aten::eq.str(str a, str b) -> bool", eq_value},
    {"aten::eq.float_list(float[] a, float[] b) -> bool", eq_value},
    {"aten::eq.bool_list(bool[] a, bool[] b) -> bool", eq_value},
    {"aten::eq.str_list(str[] a, str[] b) -> bool", eq_value},
    {"aten::ne.int_list(int[] a, int[] b) -> bool", ne_value},
    {"aten::ne.device(Device a, Device b) -> bool", ne_value},
    {"aten::ne.bool(bool a, bool b) -> bool", ne_value},
    {"aten::ne.enum(AnyEnumType a, AnyEnumType b) -> bool", ne_value},
    {"aten::ne.int(int a, int b) -> bool", ne},
    {"aten::ne.float(float a, float b) -> bool", ne},
    {"aten::ne.int_float(int a, float b) -> bool", ne},
    {"aten::ne.float_int(float a, int b) -> bool", ne},
    {"aten::ne(Scalar a, Scalar b) -> bool", ne},
    {"aten::ne.str(str a, str b) -> bool", ne_value},
    {"aten::ne.float_list(float[] a, float[] b) -> bool", ne_value},
    {"aten::ne.bool_list(bool[] a, bool[] b) -> bool", ne_value},
    {"aten::ne.str_list(str[] a, str[] b) -> bool", ne_value},
    {"aten::lt.int(int a, int b) -> bool", lt},
    {"aten::lt.float(float a, float b) -> bool", lt},
    {"aten::lt.int_float(int a, float b) -> bool", lt},
    {"aten::lt.float_int(float a, int b) -> bool", lt},
    {"aten::lt(Scalar a, Scalar b) -> bool", lt},
    {"aten::lt.str(str a, str b) -> bool", lt_str},
    {"aten::le.int(int a, int b) -> bool", le},
    {"aten::le.float(float a, float b) -> bool", le},
    {"aten::le.int_float(int a, float b) -> bool", le},
    {"aten::le.float_int(float a, int b) -> bool", le},
    {"aten::le(Scalar a, Scalar b) -> bool", le},
    {"aten::le.str(str a, str b) -> bool", le_str},
    {"aten::gt.int(int a, int b) -> bool", gt},
    {"aten::gt.float(float a, float b) -> bool", gt},
    {"aten::gt.int_float(int a, float b) -> bool", gt},
    {"aten::gt.float_int(float a, int b) -> bool", gt},
    {"aten::gt(Scalar a, Scalar b) -> bool", gt},
    {"aten::gt.str(str a, str b) -> bool", gt_str},
    {"aten::ge.int(int a, int b) -> bool", ge},
    {"aten::ge.float(float a, float b) -> bool", ge},
    {"aten::ge.int_float(int a, float b) -> bool", ge},
    {"aten::ge.float_int(float a, int b) -> bool", ge},
    {"aten::ge(Scalar a, Scalar b) -> bool", ge},
    {"aten::ge.str(str a, str b) -> bool", ge_str},
    {"aten::__and__.bool(bool a, bool b) -> bool", and_bits},
    {"aten::__and__.int(int a, int b) -> int", and_bits},
    {"aten::__or__.bool(bool a, bool b) -> bool", or_bits},
    {"aten::__or__.int(int a, int b) -> int", or_bits},
    {"aten::__xor__.bool(bool a, bool b) -> bool", xor_bits},
    {"aten::__xor__.int(int a, int b) -> int", xor_bits},
    {"aten::__lshift__.int(int a, int b) -> int", shift_left},
    {"aten::__rshift__.int(int a, int b) -> int", shift_right},
    {"aten::__not__(bool self) -> bool", logical_not},
};

}  // namespace

OpTable number_ops() { return kNumberOps; }

}  // namespace calque::ops
