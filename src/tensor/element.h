// Elements in loops: the C++ type of each dtype, the type that arithmetic is done in, conversions, dispatch.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "calque/tensor.h"
#include "tensor/dtype.h"
#include "tensor/half.h"

namespace calque {

/// Element of a bool tensor. Any byte that is not 0 is true: files may hold others than 0 and 1.
struct BoolByte {
  uint8_t bits;
};

/// `Op`: what arithmetic on elements of T is done in; load and store convert.
template <class T>
struct Element {
  using Op = T;
  static Op load(T value) { return value; }
  static T store(Op value) { return value; }
};

template <>
struct Element<BoolByte> {
  using Op = bool;
  static bool load(BoolByte value) { return value.bits != 0; }
  static BoolByte store(bool value) { return {static_cast<uint8_t>(value)}; }
};

template <>
struct Element<Half> {
  using Op = float;
  static float load(Half value) { return half_to_float(value.bits); }
  static Half store(float value) {
    Half half;
    half.bits = float_to_half(value);
    return half;
  }
};

template <>
struct Element<BFloat16> {
  using Op = float;
  static float load(BFloat16 value) { return bfloat16_to_float(value.bits); }
  static BFloat16 store(float value) {
    BFloat16 b;
    b.bits = float_to_bfloat16(value);
    return b;
  }
};

template <class T>
using OpType = typename Element<T>::Op;

/// Float to integer as x86 does it: what does not fit becomes the smallest value of the type (of int32 for
/// the narrower ones, cut to their width).
template <class To, class From>
To float_to_int(From value) {
  using Wide =
      std::conditional_t<std::is_same_v<To, int64_t> || std::is_same_v<To, uint8_t>, int64_t, int32_t>;
  constexpr From kLow = static_cast<From>(std::numeric_limits<Wide>::min());
  if (!(value >= kLow && value < -kLow)) return static_cast<To>(std::numeric_limits<Wide>::min());
  return static_cast<To>(static_cast<Wide>(value));
}

/// Converts between the types that arithmetic is done in.
template <class To, class From>
To convert_op(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    return float_to_int<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

/// Converts one element, as torch's `to`.
template <class To, class From>
To convert_element(From value) {
  return Element<To>::store(convert_op<OpType<To>>(Element<From>::load(value)));
}

/// The value of a number in the arithmetic type of T. An integer that does not fit wraps.
template <class Op>
Op scalar_to(const Scalar& value) {
  if constexpr (std::is_same_v<Op, bool>) {
    return value.to_bool();
  } else if constexpr (std::is_floating_point_v<Op>) {
    return value.is_floating_point() ? static_cast<Op>(value.to_double()) : static_cast<Op>(value.to_int());
  } else {
    return static_cast<Op>(value.to_int());
  }
}

[[noreturn]] void throw_scalar_overflow(ScalarType dtype);

/// The same for a value that is stored: RuntimeError with PyTorch's text when it does not fit in `dtype`,
/// whose element is T. Integers may be as negative as an unsigned type is wide.
template <class T>
OpType<T> stored_scalar(const Scalar& value, ScalarType dtype) {
  using Op = OpType<T>;
  if constexpr (std::is_integral_v<T>) {
    const auto high = static_cast<double>(std::numeric_limits<T>::max());
    const double low = std::is_signed_v<T>         ? static_cast<double>(std::numeric_limits<T>::min())
                       : value.is_floating_point() ? 0
                                                   : -high;
    const double v = value.to_double();
    if (!(v >= low && v <= high)) throw_scalar_overflow(dtype);
  } else if constexpr (std::is_same_v<Op, float>) {
    double high = std::numeric_limits<float>::max();
    if (std::is_same_v<T, Half>) high = 65504;
    if (std::is_same_v<T, BFloat16>) high = 0x1.fep127;
    if (std::isfinite(value.to_double()) && std::fabs(value.to_double()) > high) throw_scalar_overflow(dtype);
  }
  return scalar_to<Op>(value);
}

template <class Op>
Scalar op_to_scalar(Op value) {
  if constexpr (std::is_same_v<Op, bool>) {
    return Scalar(value);
  } else if constexpr (std::is_floating_point_v<Op>) {
    return Scalar(static_cast<double>(value));
  } else {
    return Scalar(static_cast<int64_t>(value));
  }
}

template <class T>
struct TypeTag {
  using type = T;
};

/// PyTorch's error of a kernel that lacks a dtype.
[[noreturn]] void throw_not_implemented(std::string_view op, ScalarType dtype);

// dispatch_X(dtype, op, f) calls f(TypeTag<T>{}) with the element type of `dtype`, or throws.
template <class F>
auto dispatch_integral(ScalarType dtype, std::string_view op, F&& f) {
  switch (dtype) {
    case ScalarType::Byte:
      return f(TypeTag<uint8_t>{});
    case ScalarType::Char:
      return f(TypeTag<int8_t>{});
    case ScalarType::Short:
      return f(TypeTag<int16_t>{});
    case ScalarType::Int:
      return f(TypeTag<int32_t>{});
    case ScalarType::Long:
      return f(TypeTag<int64_t>{});
    default:
      throw_not_implemented(op, dtype);
  }
}

template <class F>
auto dispatch_floating(ScalarType dtype, std::string_view op, F&& f) {
  switch (dtype) {
    case ScalarType::Float:
      return f(TypeTag<float>{});
    case ScalarType::Double:
      return f(TypeTag<double>{});
    case ScalarType::Half:
      return f(TypeTag<Half>{});
    case ScalarType::BFloat16:
      return f(TypeTag<BFloat16>{});
    default:
      throw_not_implemented(op, dtype);
  }
}

/// All but bool and complex.
template <class F>
auto dispatch_numeric(ScalarType dtype, std::string_view op, F&& f) {
  if (is_floating_point(dtype)) return dispatch_floating(dtype, op, static_cast<F&&>(f));
  return dispatch_integral(dtype, op, static_cast<F&&>(f));
}

/// Integers and bool.
template <class F>
auto dispatch_integral_bool(ScalarType dtype, std::string_view op, F&& f) {
  if (dtype == kBool) return f(TypeTag<BoolByte>{});
  return dispatch_integral(dtype, op, static_cast<F&&>(f));
}

/// All but complex.
template <class F>
auto dispatch_all(ScalarType dtype, std::string_view op, F&& f) {
  if (dtype == kBool) return f(TypeTag<BoolByte>{});
  return dispatch_numeric(dtype, op, static_cast<F&&>(f));
}

/// By width only, for code that moves elements: f gets uint8_t, uint16_t, uint32_t, uint64_t or Bytes16.
struct Bytes16 {
  uint64_t low, high;
};

template <class F>
auto dispatch_width(ScalarType dtype, F&& f) {
  switch (item_size(dtype)) {
    case 1:
      return f(TypeTag<uint8_t>{});
    case 2:
      return f(TypeTag<uint16_t>{});
    case 4:
      return f(TypeTag<uint32_t>{});
    case 8:
      return f(TypeTag<uint64_t>{});
    default:
      return f(TypeTag<Bytes16>{});
  }
}

/// First element of `t` as T, unchecked: for code inside a dispatch.
template <class T>
T* elements(const Tensor& t) {
  return static_cast<T*>(t.raw_data());
}

}  // namespace calque
