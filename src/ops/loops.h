// Element-wise loops for reference implementations.
#pragma once

#include <array>
#include <span>
#include <type_traits>

#include "calque/tensor.h"
#include "tensor/element.h"
#include "tensor/iterate.h"
#include "tensor/shape.h"

namespace calque::ops {

/// The new result of an element-wise operator: broadcast shape, the operands' memory order.
inline Tensor elementwise_result(std::span<const Tensor> operands, ScalarType dtype) {
  Dims sizes(operands[0].sizes().begin(), operands[0].sizes().end());
  for (const Tensor& t : operands.subspan(1)) sizes = broadcast_shapes(sizes, t.sizes());
  return empty_strided(sizes, elementwise_strides(sizes, operands), dtype);
}

/// out = f(x), same shape; R and T are the element types, f maps their arithmetic types.
template <class R, class T, class F>
void map_unary(const Tensor& out, const Tensor& x, F f) {
  R* r = elements<R>(out);
  const T* p = elements<T>(x);
  StridedLoop<2>(out.sizes(), {strides_of(out), broadcast_strides(x, out.sizes())})
      .for_each_run([&](int64_t n, const auto& o, const auto& s) {
        if (s[0] == 1 && s[1] == 1) {
          for (int64_t i = 0; i < n; ++i) r[o[0] + i] = Element<R>::store(f(Element<T>::load(p[o[1] + i])));
          return;
        }
        for (int64_t i = 0; i < n; ++i) {
          r[o[0] + i * s[0]] = Element<R>::store(f(Element<T>::load(p[o[1] + i * s[1]])));
        }
      });
}

/// out = f(x, y); x and y broadcast to out.
template <class R, class T, class F>
void map_binary(const Tensor& out, const Tensor& x, const Tensor& y, F f) {
  R* r = elements<R>(out);
  const T* p = elements<T>(x);
  const T* q = elements<T>(y);
  const IntArrayRef sizes = out.sizes();
  StridedLoop<3>(sizes, {strides_of(out), broadcast_strides(x, sizes), broadcast_strides(y, sizes)})
      .for_each_run([&](int64_t n, const auto& o, const auto& s) {
        for (int64_t i = 0; i < n; ++i) {
          r[o[0] + i * s[0]] = Element<R>::store(
              f(Element<T>::load(p[o[1] + i * s[1]]), Element<T>::load(q[o[2] + i * s[2]])));
        }
      });
}

/// out = f(x, y, z); all broadcast to out.
template <class T, class F>
void map_ternary(const Tensor& out, const Tensor& x, const Tensor& y, const Tensor& z, F f) {
  T* r = elements<T>(out);
  const T* p = elements<T>(x);
  const T* q = elements<T>(y);
  const T* w = elements<T>(z);
  const IntArrayRef sizes = out.sizes();
  StridedLoop<4>(sizes, {strides_of(out), broadcast_strides(x, sizes), broadcast_strides(y, sizes),
                         broadcast_strides(z, sizes)})
      .for_each_run([&](int64_t n, const auto& o, const auto& s) {
        for (int64_t i = 0; i < n; ++i) {
          r[o[0] + i * s[0]] =
              Element<T>::store(f(Element<T>::load(p[o[1] + i * s[1]]), Element<T>::load(q[o[2] + i * s[2]]),
                                  Element<T>::load(w[o[3] + i * s[3]])));
        }
      });
}

/// Integer arithmetic that wraps, and plain arithmetic otherwise.
template <class Op>
Op wrap_add(Op a, Op b) {
  if constexpr (std::is_integral_v<Op>) {
    return static_cast<Op>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}
template <class Op>
Op wrap_sub(Op a, Op b) {
  if constexpr (std::is_integral_v<Op>) {
    return static_cast<Op>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  } else {
    return a - b;
  }
}
template <class Op>
Op wrap_mul(Op a, Op b) {
  if constexpr (std::is_integral_v<Op>) {
    return static_cast<Op>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}

}  // namespace calque::ops
