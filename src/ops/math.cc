// Functions of Python's math module, and conversions between numbers and strings.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

using std::numbers::pi;

using Function = double (*)(double);
template <Function F>
void function(OpCall& c) {
  c.ret(F(c.number(0)));
}

double degrees(double x) { return x * 180 / pi; }
double radians(double x) { return x * pi / 180; }
double angle(double x) { return x < 0 ? pi : 0; }

int64_t whole(double value) {
  if (!(value >= -0x1p63 && value < 0x1p63)) {
    throw RuntimeError(cat("Cannot convert float ", value, " to integer"));
  }
  return static_cast<int64_t>(value);
}

/// ceil and floor of a float are ints; of a Scalar, floats stay floats.
void ceil(OpCall& c) {
  if (!c[0].isDouble()) return c.ret(c.scalar(0).to_int());
  c.ret(whole(std::ceil(c.number(0))));
}
void floor(OpCall& c) {
  if (!c[0].isDouble()) return c.ret(c.scalar(0).to_int());
  c.ret(whole(std::floor(c.number(0))));
}
void round(OpCall& c) { c.ret(std::nearbyint(c.number(0))); }

void log_base(OpCall& c) { c.ret(std::log(c.number(0)) / std::log(c.number(1))); }
void atan2(OpCall& c) { c.ret(std::atan2(c.number(0), c.number(1))); }
void copysign(OpCall& c) { c.ret(std::copysign(c.number(0), c.number(1))); }
void isnan(OpCall& c) { c.ret(std::isnan(c.number(0))); }
void isinf(OpCall& c) { c.ret(std::isinf(c.number(0))); }
void isfinite(OpCall& c) { c.ret(std::isfinite(c.number(0))); }

void ldexp(OpCall& c) {
  const int64_t exponent = std::clamp<int64_t>(c.integer(1), -100'000, 100'000);
  c.ret(std::ldexp(c.number(0), static_cast<int>(exponent)));
}
void frexp(OpCall& c) {
  int exponent = 0;
  c.ret(std::frexp(c.number(0), &exponent), 0);
  c.ret(int64_t{exponent}, 1);
}
void modf(OpCall& c) {
  double whole_part = 0;
  c.ret(std::modf(c.number(0), &whole_part), 0);
  c.ret(whole_part, 1);
}
void gcd(OpCall& c) {
  auto magnitude = [](int64_t v) {
    return v < 0 ? uint64_t{0} - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  };
  uint64_t a = magnitude(c.integer(0));
  uint64_t b = magnitude(c.integer(1));
  while (b != 0) {
    a %= b;
    std::swap(a, b);
  }
  c.ret(static_cast<int64_t>(a));
}
void factorial(OpCall& c) {
  const int64_t n = c.integer(0);
  if (n < 0) throw RuntimeError("factorial() not defined for negative values");
  int64_t result = 1;
  // Beyond 65 the product, which wraps, is 0.
  for (int64_t i = 1; i <= std::min<int64_t>(n, 70); ++i) result = wrap_mul(result, i);
  c.ret(result);
}

// --- conversions

void to_float(OpCall& c) { c.ret(c.number(0)); }
void to_int(OpCall& c) { c.ret(c[0].isDouble() ? float_to_int<int64_t>(c.number(0)) : c.scalar(0).to_int()); }
void to_bool(OpCall& c) { c.ret(c.scalar(0).to_bool()); }

/// As strtoll and strtod begin: blanks, then perhaps a plus.
std::string_view number_start(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r\f\v"), text.size()));
  return text.size() > 1 && text[0] == '+' && text[1] != '-' ? text.substr(1) : text;
}

void int_of_string(OpCall& c) {
  const std::string& text = c[0].toStringRef();
  const std::string_view digits = number_start(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    throw RuntimeError(cat("invalid literal for int() with base 10: '", text, "'"));
  }
  c.ret(value);
}

void float_of_string(OpCall& c) {
  const std::string& text = c[0].toStringRef();
  const std::string_view digits = number_start(text);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    throw RuntimeError(cat("could not convert string to float: '", text, "'"));
  }
  c.ret(value);
}

std::string in_base(int64_t value, int base, std::string_view prefix) {
  char buffer[72];
  const uint64_t magnitude =
      value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr;
  return cat(value < 0 ? "-" : "", prefix, std::string_view(buffer, end));
}
void bin(OpCall& c) { c.ret(in_base(c.integer(0), 2, "0b")); }
void oct(OpCall& c) { c.ret(in_base(c.integer(0), 8, "0o")); }
void hex(OpCall& c) { c.ret(in_base(c.integer(0), 16, "0x")); }

// --- ranges

void derive_index(OpCall& c) { c.ret(wrap_add(c.integer(1), wrap_mul(c.integer(0), c.integer(2)))); }
void range_length(OpCall& c) {
  const int64_t low = c.integer(0);
  const int64_t high = c.integer(1);
  const int64_t step = c.integer(2);
  if (step == 0) throw RuntimeError("range() arg 3 must not be zero");
  if (step > 0 ? low >= high : low <= high) return c.ret(int64_t{0});
  const uint64_t span = step > 0 ? static_cast<uint64_t>(high) - static_cast<uint64_t>(low)
                                 : static_cast<uint64_t>(low) - static_cast<uint64_t>(high);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  c.ret(static_cast<int64_t>((span - 1) / stride + 1));
}

constexpr OpRow kMathOps[] = {
    {"aten::exp.int(int a) -> float", function<std::exp>},
    {"aten::exp.float(float a) -> float", function<std::exp>},
    {"aten::exp.Scalar(Scalar a) -> Scalar", function<std::exp>},
    {"aten::log1p.int(int a) -> float", function<std::log1p>},
    {"aten::log1p.float(float a) -> float", function<std::log1p>},
    {"aten::log1p.Scalar(Scalar a) -> Scalar", function<std::log1p>},
    {"aten::log10.int(int a) -> float", function<std::log10>},
    {"aten::log10.float(float a) -> float", function<std::log10>},
    {"aten::log10.Scalar(Scalar a) -> Scalar", function<std::log10>},
    {"aten::expm1.int(int a) -> float", function<std::expm1>},
    {"aten::expm1.float(float a) -> float", function<std::expm1>},
    {"aten::expm1.Scalar(Scalar a) -> Scalar", function<std::expm1>},
    {"aten::sqrt.int(int a) -> float", function<std::sqrt>},
    {"aten::sqrt.float(float a) -> float", function<std::sqrt>},
    {"aten::sqrt.Scalar(Scalar a) -> Scalar", function<std::sqrt>},
    {"aten::sin.int(int a) -> float", function<std::sin>},
    {"aten::sin.float(float a) -> float", function<std::sin>},
    {"aten::sin.Scalar(Scalar a) -> Scalar", function<std::sin>},
    {"aten::cos.int(int a) -> float", function<std::cos>},
    {"aten::cos.float(float a) -> float", function<std::cos>},
    {"aten::cos.Scalar(Scalar a) -> Scalar", function<std::cos>},
    {"aten::tan.int(int a) -> float", function<std::tan>},
    {"aten::tan.float(float a) -> float", function<std::tan>},
    {"aten::tan.Scalar(Scalar a) -> Scalar", function<std::tan>},
    {"aten::asin.int(int a) -> float", function<std::asin>},
    {"aten::asin.float(float a) -> float", function<std::asin>},
    {"aten::asin.Scalar(Scalar a) -> Scalar", function<std::asin>},
    {"aten::acos.int(int a) -> float", function<std::acos>},
    {"aten::acos.float(float a) -> float", function<std::acos>},
    {"aten::acos.Scalar(Scalar a) -> Scalar", function<std::acos>},
    {"aten::atan.int(int a) -> float", function<std::atan>},
    {"aten::atan.float(float a) -> float", function<std::atan>},
    {"aten::atan.Scalar(Scalar a) -> Scalar", function<std::atan>},
    {"aten::sinh.int(int a) -> float", function<std::sinh>},
    {"aten::sinh.float(float a) -> float", function<std::sinh>},
    {"aten::sinh.Scalar(Scalar a) -> Scalar", function<std::sinh>},
    {"aten::cosh.int(int a) -> float", function<std::cosh>},
    {"aten::cosh.float(float a) -> float", function<std::cosh>},
    {"aten::cosh.Scalar(Scalar a) -> Scalar", function<std::cosh>},
    {"aten::tanh.int(int a) -> float", function<std::tanh>},
    {"aten::tanh.float(float a) -> float", function<std::tanh>},
    {"aten::tanh.Scalar(Scalar a) -> Scalar", function<std::tanh>},
    {"aten::asinh.int(int a) -> float", function<std::asinh>},
    {"aten::asinh.float(float a) -> float", function<std::asinh>},
    {"aten::asinh.Scalar(Scalar a) -> Scalar", function<std::asinh>},
    {"aten::acosh.int(int a) -> float", function<std::acosh>},
    {"aten::acosh.float(float a) -> float", function<std::acosh>},
    {"aten::acosh.Scalar(Scalar a) -> Scalar", function<std::acosh>},
    {"aten::atanh.int(int a) -> float", function<std::atanh>},
    {"aten::atanh.float(float a) -> float", function<std::atanh>},
    {"aten::atanh.Scalar(Scalar a) -> Scalar", function<std::atanh>},
    {"aten::erf.int(int a) -> float", function<std::erf>},
    {"aten::erf.float(float a) -> float", function<std::erf>},
    {"aten::erf.Scalar(Scalar a) -> Scalar", function<std::erf>},
    {"aten::erfc.int(int a) -> float", function<std::erfc>},
    {"aten::erfc.float(float a) -> float", function<std::erfc>},
    {"aten::erfc.Scalar(Scalar a) -> Scalar", function<std::erfc>},
    {"aten::gamma.int(int a) -> float", function<std::tgamma>},
    {"aten::gamma.float(float a) -> float", function<std::tgamma>},
    {"aten::gamma.Scalar(Scalar a) -> Scalar", function<std::tgamma>},
    {"aten::lgamma.int(int a) -> float", function<std::lgamma>},
    {"aten::lgamma.float(float a) -> float", function<std::lgamma>},
    {"aten::lgamma.Scalar(Scalar a) -> Scalar", function<std::lgamma>},
    {"aten::fabs.int(int a) -> float", function<std::fabs>},
    {"aten::fabs.float(float a) -> float", function<std::fabs>},
    {"aten::fabs.Scalar(Scalar a) -> Scalar", function<std::fabs>},
    {"aten::degrees.int(int a) -> float", function<degrees>},
    {"aten::degrees.float(float a) -> float", function<degrees>},
    {"aten::degrees.Scalar(Scalar a) -> Scalar", function<degrees>},
    {"aten::radians.int(int a) -> float", function<radians>},
    {"aten::radians.float(float a) -> float", function<radians>},
    {"aten::radians.Scalar(Scalar a) -> Scalar", function<radians>},
    {"aten::angle.int(int a) -> float", function<angle>},
    {"aten::angle.float(float a) -> float", function<angle>},
    {"aten::angle.Scalar(Scalar a) -> Scalar", function<angle>},
    {"aten::log.int(int a) -> float", function<std::log>},
    {"aten::log.float(float a) -> float", function<std::log>},
    {"aten::log.Scalar(Scalar a) -> Scalar", function<std::log>},
    {"aten::log.int_int(int a, int b) -> float", log_base},
    {"aten::log.float_float(float a, float b) -> float", log_base},
    {"aten::log.int_float(int a, float b) -> float", log_base},
    {"aten::log.float_int(float a, int b) -> float", log_base},
    {"aten::log.Scalar_Scalar(Scalar a, Scalar b) -> float", log_base},
    {"aten::ceil.int(int a) -> int", ceil},
    {"aten::ceil.float(float a) -> int", ceil},
    {"aten::ceil.Scalar(Scalar a) -> Scalar", ceil},
    {"aten::floor.int(int a) -> int", floor},
    {"aten::floor.float(float a) -> int", floor},
    {"aten::floor.Scalar(Scalar a) -> Scalar", floor},
    {"aten::round.int(int a) -> float", round},
    {"aten::round.float(float a) -> float", round},
    {"aten::round.Scalar(Scalar a) -> Scalar", round},
    {"aten::atan2.int(int a, int b) -> float", atan2},
    {"aten::atan2.float(float a, float b) -> float", atan2},
    {"aten::atan2.int_float(int a, float b) -> float", atan2},
    {"aten::atan2.float_int(float a, int b) -> float", atan2},
    {"aten::atan2.Scalar_Scalar(Scalar a, Scalar b) -> float", atan2},
    {"aten::copysign.int(int a, int b) -> float", copysign},
    {"aten::copysign.float(float a, float b) -> float", copysign},
    {"aten::copysign.int_float(int a, float b) -> float", copysign},
    {"aten::copysign.float_int(float a, int b) -> float", copysign},
    {"aten::copysign(Scalar a, Scalar b) -> float", copysign},
    {"aten::isnan.float(float a) -> bool", isnan},
    {"aten::isinf.float(float a) -> bool", isinf},
    {"aten::isfinite.float(float a) -> bool", isfinite},
    {"aten::ldexp(float x, int i) -> float", ldexp},
    {"aten::frexp(float a) -> (float, int)", frexp},
    {"aten::modf(float a) -> (float, float)", modf},
    {"aten::gcd.int(int a, int b) -> int", gcd},
    {"aten::factorial.int(int a) -> int", factorial},
    {"aten::Float.Scalar(Scalar a) -> float", to_float},
    {"aten::Float.int(int a) -> float", to_float},
    {"aten::Float.bool(bool a) -> float", to_float},
    {"aten::Float.str(str a) -> float", float_of_string},
    {"aten::Int.bool(bool a) -> int", to_int},
    {"aten::Int.float(float a) -> int", to_int},
    {"aten::Int.Scalar(Scalar a) -> int", to_int},
    {"aten::Int.str(str a) -> int", int_of_string},
    {"aten::Bool.int(int a) -> bool", to_bool},
    {"aten::Bool.float(float a) -> bool", to_bool},
    {"aten::bin(int i) -> str", bin},
    {"aten::oct(int i) -> str", oct},
    {"aten::hex(int i) -> str", hex},
    {"aten::__derive_index(int index, int start, int step) -> int", derive_index},
    {"aten::__range_length(int lo, int hi, int step) -> int", range_length},
};

}  // namespace

OpTable math_ops() { return kMathOps; }

}  // namespace calque::ops
