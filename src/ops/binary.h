// The frame of element-wise operators of two tensors: promotion, result, dispatch.
#pragma once

#include <array>

#include "ops/loops.h"
#include "ops/support.h"

namespace calque::ops {

/// Two operands in one dtype.
struct Operands {
  Tensor a, b;
  ScalarType dtype;
};

inline Operands promote(const Tensor& a, const Tensor& b, ScalarType dtype) {
  return {.a = a.to(dtype), .b = b.to(dtype), .dtype = dtype};
}
inline Operands promote(const Tensor& a, const Tensor& b) { return promote(a, b, result_type({a, b})); }

inline Tensor binary_result(const Operands& o, ScalarType dtype) {
  const std::array<Tensor, 2> operands = {o.a, o.b};
  return elementwise_result(operands, dtype);
}

/// f on all dtypes but bool; f is called with the arithmetic type.
template <class F>
Tensor numeric_binary(const Operands& o, std::string_view name, F f) {
  const Tensor out = binary_result(o, o.dtype);
  dispatch_numeric(o.dtype, name, [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, o.a, o.b, f); });
  return out;
}

/// f on floating dtypes.
template <class F>
Tensor floating_binary(const Operands& o, std::string_view name, F f) {
  const Tensor out = binary_result(o, o.dtype);
  dispatch_floating(o.dtype, name, [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, o.a, o.b, f); });
  return out;
}

/// f on integers and bool.
template <class F>
Tensor integral_binary(const Operands& o, std::string_view name, F f) {
  const Tensor out = binary_result(o, o.dtype);
  dispatch_integral_bool(o.dtype, name, [&]<class T>(TypeTag<T>) { map_binary<T, T>(out, o.a, o.b, f); });
  return out;
}

/// f on all dtypes gives bool.
template <class F>
Tensor predicate_binary(const Operands& o, std::string_view name, F f) {
  const Tensor out = binary_result(o, kBool);
  dispatch_all(o.dtype, name, [&]<class T>(TypeTag<T>) { map_binary<BoolByte, T>(out, o.a, o.b, f); });
  return out;
}

}  // namespace calque::ops
