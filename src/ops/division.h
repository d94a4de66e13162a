// Rounded divisions and remainders, of elements and of tensors.
#pragma once

#include <cmath>
#include <limits>

#include "calque/ivalue.h"
#include "calque/tensor.h"
#include "ops/loops.h"

namespace calque::ops {

enum class Rounding { kNone, kTrunc, kFloor };

/// A rounding_mode argument. RuntimeError with PyTorch's text for unknown names.
Rounding rounding_of(const IValue& value);

Tensor div_rounded(const Tensor& a, const Tensor& b, Rounding rounding);
Tensor floor_divide(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor fmod(const Tensor& a, const Tensor& b);

[[noreturn]] void throw_zero_division();

/// Quotient rounded to zero; the smallest integer over -1 wraps. RuntimeError for b == 0.
template <class Op>
Op int_div_trunc(Op a, Op b) {
  if (b == 0) throw_zero_division();
  if constexpr (std::is_signed_v<Op>) {
    if (b == -1) return wrap_sub(Op(0), a);
  }
  return static_cast<Op>(a / b);
}

/// C's remainder: the sign of a.
template <class Op>
Op int_fmod(Op a, Op b) {
  if (b == 0) throw_zero_division();
  if constexpr (std::is_signed_v<Op>) {
    if (b == -1) return 0;
  }
  return static_cast<Op>(a % b);
}

/// Python's remainder: the sign of b.
template <class Op>
Op int_remainder(Op a, Op b) {
  const Op m = int_fmod(a, b);
  return m != 0 && (m < 0) != (b < 0) ? static_cast<Op>(m + b) : m;
}

template <class Op>
Op int_div_floor(Op a, Op b) {
  const Op quotient = int_div_trunc(a, b);
  const Op m = int_fmod(a, b);
  return m != 0 && (m < 0) != (b < 0) ? static_cast<Op>(quotient - 1) : quotient;
}

/// Python's float floor division; x / 0 is C's.
template <class Op>
Op float_div_floor(Op a, Op b) {
  if (b == 0) return a / b;
  const Op m = std::fmod(a, b);
  Op quotient = (a - m) / b;
  if (m != 0 && (b < 0) != (m < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(Op(0), a / b);
  const Op rounded = std::floor(quotient);
  return quotient - rounded > Op(0.5) ? rounded + 1 : rounded;
}

template <class Op>
Op float_remainder(Op a, Op b) {
  const Op m = std::fmod(a, b);
  return m != 0 && (b < 0) != (m < 0) ? m + b : m;
}

}  // namespace calque::ops
