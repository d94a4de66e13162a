// Normalisation layers.
#include "ops/norm.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "kernels/layer_norm/layer_norm.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

void check_parameter(const std::optional<Tensor>& t, std::string_view name, const Dims& shape) {
  if (!t || std::ranges::equal(t->sizes(), shape)) return;
  throw RuntimeError(cat("Expected ", name, " to be of same shape as normalized_shape, but got ", name,
                         " of shape ", t->sizes(), " and normalized_shape = ", IntArrayRef(shape)));
}

/// Number of leading dimensions that are not normalised.
size_t check_normalized_shape(const Tensor& x, const Dims& shape, std::string_view separator) {
  if (shape.empty()) {
    throw RuntimeError(
        "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but "
        "got "
        "normalized_shape = []");
  }
  const size_t rank = x.sizes().size();
  const bool fits =
      rank >= shape.size() && std::equal(shape.begin(), shape.end(), x.sizes().end() - shape.size());
  if (fits) return rank - shape.size();
  std::string tail;
  for (const int64_t size : shape) tail += cat(separator, size);
  throw RuntimeError(cat("Given normalized_shape=", IntArrayRef(shape), ", expected input with shape [*",
                         tail, "], but got input of size", x.sizes()));
}

/// Parameters have x's dtype, or float32 beside 16 bits.
void check_mixed(const Tensor& x, const std::optional<Tensor>& t) {
  if (!t || t->dtype() == x.dtype()) return;
  const bool mixed = (x.dtype() == kHalf || x.dtype() == kBFloat16) && t->dtype() == kFloat;
  if (!mixed) throw RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float");
}

/// A parameter as n doubles, `fallback` when there is none.
std::vector<double> values_of(const std::optional<Tensor>& t, int64_t n, double fallback) {
  if (!t) return std::vector<double>(static_cast<size_t>(n), fallback);
  const Tensor d = t->to(kDouble).contiguous();
  return {elements<double>(d), elements<double>(d) + n};
}

struct Moments {
  double mean;
  double variance;
};

template <class T>
Moments moments(const T* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(Element<T>::load(x[i]));
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(Element<T>::load(x[i])) - mean;
    squares += d * d;
  }
  return {.mean = mean, .variance = squares / static_cast<double>(n)};
}

struct LayerNorm {
  Tensor out, mean, inverse_std;
};

LayerNorm layer_norm_reference(const Tensor& x, const Dims& shape, const std::optional<Tensor>& weight,
                               const std::optional<Tensor>& bias, double eps) {
  const int64_t n = product(shape);
  const int64_t rows = n == 0 ? 0 : x.numel() / n;
  const Tensor in = x.contiguous();
  LayerNorm r{.out = empty(x.sizes(), x.dtype()),
              .mean = empty({rows}, kDouble),
              .inverse_std = empty({rows}, kDouble)};
  const std::vector<double> w = values_of(weight, n, 1);
  const std::vector<double> b = values_of(bias, n, 0);
  dispatch_floating(x.dtype(), "LayerNormKernelImpl", [&]<class T>(TypeTag<T>) {
    for (int64_t row = 0; row < rows; ++row) {
      const T* p = elements<T>(in) + row * n;
      T* q = elements<T>(r.out) + row * n;
      const Moments m = moments(p, n);
      const double scale = 1 / std::sqrt(m.variance + eps);
      for (int64_t i = 0; i < n; ++i) {
        const double v = (static_cast<double>(Element<T>::load(p[i])) - m.mean) * scale * w[i] + b[i];
        q[i] = Element<T>::store(static_cast<OpType<T>>(v));
      }
      elements<double>(r.mean)[row] = m.mean;
      elements<double>(r.inverse_std)[row] = scale;
    }
  });
  return r;
}

bool kernel_takes(const std::optional<Tensor>& t) {
  return !t || (t->dtype() == kFloat && t->is_contiguous());
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Dims& shape, const std::optional<Tensor>& weight,
                  const std::optional<Tensor>& bias, double eps) {
  check_normalized_shape(x, shape, ", ");
  Tensor out = empty(x.sizes(), x.dtype());
  layer_norm_into(out, x, shape, weight, bias, eps);
  return out;
}

void layer_norm_into(const Tensor& out, const Tensor& x, const Dims& shape,
                     const std::optional<Tensor>& weight, const std::optional<Tensor>& bias, double eps) {
  check_normalized_shape(x, shape, ", ");
  check_parameter(weight, "weight", shape);
  check_parameter(bias, "bias", shape);
  check_mixed(x, weight);
  check_mixed(x, bias);
  const int64_t n = product(shape);
  if (x.dtype() != kFloat || n == 0 || !kernel_takes(weight) || !kernel_takes(bias)) {
    return out.copy_(layer_norm_reference(x, shape, weight, bias, eps).out);
  }
  const Tensor in = x.contiguous();
  kernels::layer_norm_rows({.rows = in.numel() / n,
                            .cols = n,
                            .x = elements<float>(in),
                            .x_row = n,
                            .weight = weight ? elements<float>(*weight) : nullptr,
                            .bias = bias ? elements<float>(*bias) : nullptr,
                            .eps = static_cast<float>(eps),
                            .y = elements<float>(out),
                            .y_row = n});
}

namespace {

void layer_norm_op(OpCall& c) {
  c.ret(layer_norm(c.tensor(0), c.ints(1), c.optional_tensor(2), c.optional_tensor(3), c.number(4)));
}

void native_layer_norm(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Dims shape = c.ints(1);
  const size_t lead = check_normalized_shape(x, shape, ", ");
  check_parameter(c.optional_tensor(2), "weight", shape);
  check_parameter(c.optional_tensor(3), "bias", shape);
  const LayerNorm r = layer_norm_reference(x, shape, c.optional_tensor(2), c.optional_tensor(3), c.number(4));
  Dims sizes(x.sizes().begin(), x.sizes().begin() + static_cast<std::ptrdiff_t>(lead));
  sizes.resize(x.sizes().size(), 1);
  c.ret(r.out, 0);
  c.ret(r.mean.view(sizes).to(x.dtype()), 1);
  c.ret(r.inverse_std.view(sizes).to(x.dtype()), 2);
}

void rms_norm(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Dims shape = c.ints(1);
  check_normalized_shape(x, shape, "");
  const std::optional<Tensor> weight = c.optional_tensor(2);
  check_parameter(weight, "weight", shape);
  if (!x.is_floating_point()) throw_not_implemented("rms_norm", x.dtype());
  const double fallback = x.dtype() == kDouble ? 2.220446049250313e-16 : 1.1920928955078125e-07;
  const double eps = c[3].isNone() ? fallback : c.number(3);
  const int64_t n = product(shape);
  const Tensor in = x.contiguous();
  Tensor out = empty(x.sizes(), x.dtype());
  const std::vector<double> w = values_of(weight, n, 1);
  dispatch_floating(x.dtype(), "rms_norm", [&]<class T>(TypeTag<T>) {
    for (int64_t at = 0; n > 0 && at < x.numel(); at += n) {
      const T* p = elements<T>(in) + at;
      T* q = elements<T>(out) + at;
      double squares = 0;
      for (int64_t i = 0; i < n; ++i) squares += std::pow(static_cast<double>(Element<T>::load(p[i])), 2);
      const double scale = 1 / std::sqrt(squares / static_cast<double>(n) + eps);
      for (int64_t i = 0; i < n; ++i) {
        q[i] = Element<T>::store(
            static_cast<OpType<T>>(static_cast<double>(Element<T>::load(p[i])) * scale * w[i]));
      }
    }
  });
  c.ret(out);
}

void group_norm(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t groups = c.integer(1);
  if (x.dim() < 2)
    throw RuntimeError(cat("Expected at least 2 dimensions for input tensor but received ", x.dim()));
  const int64_t channels = x.sizes()[1];
  if (groups <= 0) throw RuntimeError(cat("Expected num groups to be greater than 0, got ", groups));
  if (channels % groups != 0) {
    throw RuntimeError(
        cat("Expected number of channels in input to be divisible by num_groups, but got input of shape ",
            x.sizes(), " and num_groups=", groups));
  }
  for (const size_t i : {2, 3}) {
    const std::optional<Tensor> t = c.optional_tensor(i);
    if (t && (t->dim() != 1 || t->numel() != channels)) {
      const std::string_view name = i == 2 ? "weight" : "bias";
      throw RuntimeError(cat("Expected ", name,
                             " to be a vector of size equal to the number of channels in input, but got ",
                             name, " of shape ", t->sizes(), " and input of shape ", x.sizes()));
    }
  }
  const std::vector<double> w = values_of(c.optional_tensor(2), channels, 1);
  const std::vector<double> b = values_of(c.optional_tensor(3), channels, 0);
  const int64_t inner = product(x.sizes().subspan(2));
  const int64_t n = channels / groups * inner;
  const Tensor in = x.contiguous();
  Tensor out = empty(x.sizes(), x.dtype());
  dispatch_floating(x.dtype(), "GroupNormKernelImpl", [&]<class T>(TypeTag<T>) {
    for (int64_t at = 0; n > 0 && at < x.numel(); at += n) {
      const T* p = elements<T>(in) + at;
      const Moments m = moments(p, n);
      const double scale = 1 / std::sqrt(m.variance + c.number(4));
      for (int64_t i = 0; i < n; ++i) {
        const auto ch = static_cast<size_t>((at + i) / inner % channels);
        const double v = (static_cast<double>(Element<T>::load(p[i])) - m.mean) * scale * w[ch] + b[ch];
        elements<T>(out)[at + i] = Element<T>::store(static_cast<OpType<T>>(v));
      }
    }
  });
  c.ret(out);
}

constexpr OpRow kNormOps[] = {
    {"aten::layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, "
     "float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor",
     layer_norm_op},
    {"aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float "
     "eps) -> (Tensor, Tensor, Tensor)",
     native_layer_norm},
    {"aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> "
     "Tensor",
     rms_norm},
    {"aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float "
     "eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor",
     group_norm},
};

}  // namespace

OpTable norm_ops() { return kNormOps; }

}  // namespace calque::ops
