// The frame of element-wise operators of one tensor.
#pragma once

#include "ops/loops.h"
#include "ops/support.h"

namespace calque::ops {

/// f in floating arithmetic; integers and bool are converted to float32 first.
template <class F>
Tensor float_unary(const Tensor& x, std::string_view name, F f) {
  const Tensor in = x.to(float_type_of(x.dtype()));
  const Tensor out = empty_like(in, in.dtype());
  dispatch_floating(in.dtype(), name, [&]<class T>(TypeTag<T>) { map_unary<T, T>(out, in, f); });
  return out;
}

/// A float32 tensor of any layout through a kernel over contiguous elements, which may work in place: a value
/// must not depend on how the tensor lies in memory, which the size of a batch decides.
template <class Kernel>
Tensor kernel_unary(const Tensor& x, Kernel kernel) {
  const Tensor out = empty_like(x, kFloat);
  if (!x.is_contiguous()) out.copy_(x);
  const Tensor& from = x.is_contiguous() ? x : out;
  kernel(out.numel(), elements<float>(from), elements<float>(out));
  return out;
}

/// f on all dtypes but bool, result of the same dtype.
template <class F>
Tensor numeric_unary(const Tensor& x, std::string_view name, F f) {
  const Tensor out = empty_like(x, x.dtype());
  dispatch_numeric(x.dtype(), name, [&]<class T>(TypeTag<T>) { map_unary<T, T>(out, x, f); });
  return out;
}

/// f rounds: integers come back as they are.
template <class F>
Tensor rounding_unary(const Tensor& x, std::string_view name, F f) {
  if (is_integral(x.dtype())) return x.clone();
  const Tensor out = empty_like(x, x.dtype());
  dispatch_floating(x.dtype(), name, [&]<class T>(TypeTag<T>) { map_unary<T, T>(out, x, f); });
  return out;
}

/// f on all dtypes gives bool.
template <class F>
Tensor predicate_unary(const Tensor& x, std::string_view name, F f) {
  const Tensor out = empty_like(x, kBool);
  dispatch_all(x.dtype(), name, [&]<class T>(TypeTag<T>) { map_unary<BoolByte, T>(out, x, f); });
  return out;
}

}  // namespace calque::ops
