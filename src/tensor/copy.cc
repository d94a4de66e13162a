// Copy and cast between views of any layout.
#include "tensor/copy.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/text.h"
#include "tensor/element.h"
#include "tensor/iterate.h"
#include "tensor/shape.h"

namespace calque {

namespace {

struct AsItIs {
  template <class T>
  T operator()(T value) const {
    return value;
  }
};

template <class To, class From, class Convert>
void copy_runs(const Tensor& to, const Tensor& from, const Dims& from_strides, Convert convert) {
  To* target = elements<To>(to);
  const From* source = elements<From>(from);
  StridedLoop<2> loop(to.sizes(), {strides_of(to), from_strides});
  loop.for_each_run([&](int64_t n, const auto& offset, const auto& stride) {
    To* t = target + offset[0];
    const From* s = source + offset[1];
    if (stride[0] == 1 && stride[1] == 1) {
      if constexpr (std::is_same_v<Convert, AsItIs>) {
        std::memmove(t, s, static_cast<size_t>(n) * sizeof(To));
      } else {
        for (int64_t i = 0; i < n; ++i) t[i] = convert(s[i]);
      }
      return;
    }
    for (int64_t i = 0; i < n; ++i) t[i * stride[0]] = convert(s[i * stride[1]]);
  });
}

/// Same dtype: elements are moved as bytes.
void copy_same(const Tensor& to, const Tensor& from, const Dims& from_strides) {
  if (to.numel() == 0) return;
  const bool flat =
      to.is_contiguous() && from.is_contiguous() && std::ranges::equal(to.sizes(), from.sizes());
  if (flat) {
    std::memcpy(to.raw_data(), from.raw_data(), static_cast<size_t>(to.nbytes()));
    return;
  }
  dispatch_width(to.dtype(), [&]<class T>(TypeTag<T>) { copy_runs<T, T>(to, from, from_strides, AsItIs()); });
}

void copy_cast(const Tensor& to, const Tensor& from, const Dims& from_strides) {
  dispatch_all(to.dtype(), "copy_", [&]<class To>(TypeTag<To>) {
    dispatch_all(from.dtype(), "copy_", [&]<class From>(TypeTag<From>) {
      copy_runs<To, From>(to, from, from_strides, [](From value) { return convert_element<To>(value); });
    });
  });
}

}  // namespace

void throw_not_implemented(std::string_view op, ScalarType dtype) {
  throw NotImplementedError(cat("\"", op, "\" not implemented for '", dtype_cpp_name(dtype), "'"));
}

void throw_scalar_overflow(ScalarType dtype) {
  std::string_view name = dtype_name(dtype);
  if (dtype == kHalf) name = "at::Half";
  if (dtype == kBFloat16) name = "at::BFloat16";
  if (dtype == kFloat) name = "float";
  if (dtype == kInt) name = "int";
  const bool sized = is_integral(dtype) && dtype != kInt;
  throw RuntimeError(cat("value cannot be converted to type ", name, sized ? "_t" : "", " without overflow"));
}

void check_broadcasts_to(const Tensor& source, IntArrayRef target) {
  const Dims joint = broadcast_shapes(target, source.sizes());
  if (std::ranges::equal(joint, target)) return;
  throw RuntimeError(
      cat("output with shape ", target, " doesn't match the broadcast shape ", IntArrayRef(joint)));
}

void Tensor::copy_(const Tensor& source) const {
  if (is_same(source)) return;
  if (!(impl_->quantization == source.impl()->quantization)) {
    throw NotImplementedError(
        "copy_ between tensors that are quantised differently; dequantize() them first");
  }
  check_broadcasts_to(source, sizes());
  impl_->storage->mark_written();
  Tensor from = source;
  if (may_overlap(*this, source)) {
    // A contiguous copy, made without a look at this tensor's layout.
    from = empty(source.sizes(), source.dtype());
    copy_same(from, source, strides_of(source));
  }
  const Dims from_strides = broadcast_strides(from, sizes());
  if (from.dtype() == dtype()) {
    copy_same(*this, from, from_strides);
  } else {
    copy_cast(*this, from, from_strides);
  }
}

void Tensor::fill_(const Scalar& value) const {
  impl_->storage->mark_written();
  dispatch_all(dtype(), "fill_", [&]<class T>(TypeTag<T>) {
    const T element = Element<T>::store(stored_scalar<T>(value, dtype()));
    T* data = elements<T>(*this);
    Dims places = impl_->sizes;
    for (size_t d = 0; d < places.size(); ++d) {
      // Expanded dimensions are one place.
      if (impl_->strides[d] == 0 && places[d] > 1) places[d] = 1;
    }
    StridedLoop<1>(places, {strides_of(*this)})
        .for_each_run([&](int64_t n, const auto& offset, const auto& stride) {
          T* p = data + offset[0];
          if (stride[0] == 1) {
            std::fill_n(p, n, element);
            return;
          }
          for (int64_t i = 0; i < n; ++i) p[i * stride[0]] = element;
        });
  });
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  Tensor out = empty(sizes(), dtype());
  copy_same(out, *this, strides_of(*this));
  out.impl()->quantization = impl_->quantization;
  return out;
}

Tensor Tensor::clone() const {
  Tensor out = empty_like(*this, dtype());
  copy_same(out, *this, strides_of(*this));
  out.impl()->quantization = impl_->quantization;
  return out;
}

Tensor Tensor::to(ScalarType dtype) const {
  if (dtype == this->dtype()) return *this;
  Tensor out = empty_like(*this, dtype);
  copy_cast(out, *this, strides_of(*this));
  return out;
}

}  // namespace calque
