// Complex tensors: made of parts and taken apart. Arithmetic of complex numbers is refused by name.
#include <cmath>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/spectral.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

ScalarType part_dtype(ScalarType dtype) { return dtype == ScalarType::ComplexDouble ? kDouble : kFloat; }

bool has_parts(const Tensor& x) {
  return x.dtype() == ScalarType::ComplexFloat || x.dtype() == ScalarType::ComplexDouble;
}

Tensor view_as_complex(const Tensor& x) {
  if (x.dtype() != kFloat && x.dtype() != kDouble) {
    throw RuntimeError(
        cat("view_as_complex is only supported for half, float and double tensors, but got a tensor of "
            "scalar type: ",
            dtype_cpp_name(x.dtype())));
  }
  if (x.dim() == 0) throw RuntimeError("Input tensor must have one or more dimensions");
  if (x.size(-1) != 2) throw RuntimeError("Tensor must have a last dimension of size 2");
  if (x.stride(-1) != 1) throw RuntimeError("Tensor must have a last dimension with stride 1");
  Dims sizes(x.sizes().begin(), x.sizes().end() - 1);
  Dims strides(x.strides().begin(), x.strides().end() - 1);
  for (int64_t& stride : strides) {
    if (stride % 2 != 0)
      throw RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension");
    stride /= 2;
  }
  if (x.storage_offset() % 2 != 0) throw RuntimeError("Tensor must have a storage_offset divisible by 2");
  const ScalarType dtype = x.dtype() == kDouble ? ScalarType::ComplexDouble : ScalarType::ComplexFloat;
  return from_storage(x.storage(), x.storage_offset() / 2, sizes, strides, dtype);
}

Tensor real_part(const Tensor& x) { return is_complex(x.dtype()) ? view_as_real(x).select(-1, 0) : x; }

Tensor imaginary_part(const Tensor& x) {
  if (!is_complex(x.dtype()))
    throw RuntimeError("imag is not implemented for tensors with non-complex dtypes.");
  return view_as_real(x).select(-1, 1);
}

/// A new complex tensor: f(x, y) writes the pair.
template <class F>
Tensor of_pairs(const Tensor& x, const Tensor& y, std::string_view op, F f) {
  if (x.dtype() != y.dtype() || (x.dtype() != kFloat && x.dtype() != kDouble)) {
    throw RuntimeError(cat("Expected both inputs to be Half, Float or Double tensors but got ",
                           dtype_cpp_name(x.dtype()), " and ", dtype_cpp_name(y.dtype()), " (", op, ")"));
  }
  Dims sizes = broadcast_shapes(x.sizes(), y.sizes());
  const Tensor a = x.expand(sizes).contiguous();
  const Tensor b = y.expand(sizes).contiguous();
  sizes.push_back(2);
  const Tensor out = empty(sizes, x.dtype());
  dispatch_floating(x.dtype(), op, [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < a.numel(); ++i) {
      f(Element<T>::load(elements<T>(a)[i]), Element<T>::load(elements<T>(b)[i]), elements<T>(out) + 2 * i);
    }
  });
  return view_as_complex(out);
}

Tensor complex_of(const Tensor& x, const Tensor& y) {
  return of_pairs(x, y, "complex", []<class Op, class T>(Op a, Op b, T* pair) {
    pair[0] = Element<T>::store(a);
    pair[1] = Element<T>::store(b);
  });
}

Tensor polar(const Tensor& x, const Tensor& y) {
  return of_pairs(x, y, "polar", []<class Op, class T>(Op radius, Op angle, T* pair) {
    pair[0] = Element<T>::store(radius * std::cos(angle));
    pair[1] = Element<T>::store(radius * std::sin(angle));
  });
}

/// f(real, imaginary), new; x is complex.
template <class F>
Tensor from_pairs(const Tensor& x, std::string_view op, F f) {
  const Tensor pairs = view_as_real(x).contiguous();
  const Tensor out = empty(x.sizes(), pairs.dtype());
  dispatch_floating(pairs.dtype(), op, [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < out.numel(); ++i) {
      elements<T>(out)[i] = Element<T>::store(
          f(Element<T>::load(elements<T>(pairs)[2 * i]), Element<T>::load(elements<T>(pairs)[2 * i + 1])));
    }
  });
  return out;
}

/// Of real numbers pi where they are negative.
Tensor angle(const Tensor& x) {
  if (is_complex(x.dtype())) return from_pairs(x, "angle", [](auto a, auto b) { return std::atan2(b, a); });
  const Tensor in = x.to(float_type_of(x.dtype()));
  const Tensor out = empty_like(in, in.dtype());
  dispatch_floating(in.dtype(), "angle", [&]<class T>(TypeTag<T>) {
    map_unary<T, T>(out, in, []<class Op>(Op v) {
      return v != v ? v : v < 0 ? static_cast<Op>(M_PI) : Op(0);
    });
  });
  return out;
}

constexpr OpRow kComplexPartOps[] = {
    {"aten::view_as_real(Tensor(a) self) -> Tensor(a)", unary_op<view_as_real>},
    {"aten::view_as_complex(Tensor(a) self) -> Tensor(a)", unary_op<view_as_complex>},
    {"aten::real(Tensor(a) self) -> Tensor(a)", unary_op<real_part>},
    {"aten::imag(Tensor(a) self) -> Tensor(a)", unary_op<imaginary_part>},
    {"aten::complex(Tensor real, Tensor imag) -> Tensor", binary_op<complex_of>},
    {"aten::polar(Tensor abs, Tensor angle) -> Tensor", binary_op<polar>},
    {"aten::angle(Tensor self) -> Tensor", unary_op<angle>},
};

}  // namespace

Tensor view_as_real(const Tensor& x) {
  if (!has_parts(x)) throw RuntimeError("view_as_real is only supported for complex tensors");
  Dims sizes = to_dims(x.sizes());
  Dims strides = to_dims(x.strides());
  for (int64_t& stride : strides) stride *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  return from_storage(x.storage(), x.storage_offset() * 2, sizes, strides, part_dtype(x.dtype()));
}

Tensor magnitude(const Tensor& x) {
  return from_pairs(x, "abs", [](auto a, auto b) { return std::hypot(a, b); });
}

OpTable complex_part_ops() { return kComplexPartOps; }

}  // namespace calque::ops
