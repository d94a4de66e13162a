#include "ops/division.h"

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/binary.h"

namespace calque::ops {

void throw_zero_division() { throw RuntimeError("ZeroDivisionError"); }

Rounding rounding_of(const IValue& value) {
  if (value.isNone()) return Rounding::kNone;
  const std::string& mode = value.toStringRef();
  if (mode == "trunc") return Rounding::kTrunc;
  if (mode == "floor") return Rounding::kFloor;
  throw RuntimeError(
      cat("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '", mode, "'"));
}

Tensor div_rounded(const Tensor& a, const Tensor& b, Rounding rounding) {
  if (rounding == Rounding::kNone) return div(a, b);
  if (rounding == Rounding::kFloor) return floor_divide(a, b);
  return numeric_binary(promote(a, b), "div_trunc_cpu", []<class Op>(Op x, Op y) {
    if constexpr (std::is_integral_v<Op>) {
      return int_div_trunc(x, y);
    } else {
      return std::trunc(x / y);
    }
  });
}

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  return numeric_binary(promote(a, b), "div_floor_cpu", []<class Op>(Op x, Op y) {
    if constexpr (std::is_integral_v<Op>) {
      return int_div_floor(x, y);
    } else {
      return float_div_floor(x, y);
    }
  });
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  return numeric_binary(promote(a, b), "remainder_cpu", []<class Op>(Op x, Op y) {
    if constexpr (std::is_integral_v<Op>) {
      return int_remainder(x, y);
    } else {
      return float_remainder(x, y);
    }
  });
}

Tensor fmod(const Tensor& a, const Tensor& b) {
  return numeric_binary(promote(a, b), "fmod_cpu", []<class Op>(Op x, Op y) {
    if constexpr (std::is_integral_v<Op>) {
      return int_fmod(x, y);
    } else {
      return std::fmod(x, y);
    }
  });
}

}  // namespace calque::ops
