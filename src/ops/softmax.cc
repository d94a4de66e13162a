#include "ops/softmax.h"

#include <cmath>
#include <limits>

#include "kernels/softmax/softmax.h"
#include "ops/rows.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// Largest element and the sum of exp(x - largest) of one row.
template <class T>
std::pair<double, double> exp_sum(const T* x, int64_t n, int64_t stride) {
  double high = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < n; ++i) {
    const auto v = static_cast<double>(Element<T>::load(x[i * stride]));
    if (v > high || v != v) high = v;
    if (v != v) break;
  }
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += std::exp(static_cast<double>(Element<T>::load(x[i * stride])) - high);
  return {high, sum};
}

template <class F>
Tensor softmax_rows(const Tensor& x, int64_t dim, std::string_view name, F value) {
  const Tensor in = x.contiguous();
  const Tensor out = empty(x.sizes(), x.dtype());
  dispatch_floating(x.dtype(), name, [&]<class T>(TypeTag<T>) {
    for_each_row(in.sizes(), dim, [&](const Row& row) {
      const T* p = elements<T>(in) + row.offset;
      T* r = elements<T>(out) + row.offset;
      const auto [high, sum] = exp_sum(p, row.size, row.stride);
      for (int64_t i = 0; i < row.size; ++i) {
        const auto v = static_cast<double>(Element<T>::load(p[i * row.stride]));
        r[i * row.stride] = Element<T>::store(static_cast<OpType<T>>(value(v - high, sum)));
      }
    });
  });
  return out;
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim) {
  const int64_t d = wrap_dim(dim, x.dim());
  const bool last = d == x.dim() - 1;
  if (x.dtype() == kFloat && last && x.numel() > 0) {
    const int64_t cols = x.sizes()[d];
    const Tensor in = x.contiguous();
    Tensor out = empty(x.sizes(), kFloat);
    kernels::softmax_rows({.rows = x.numel() / cols,
                           .cols = cols,
                           .x = elements<float>(in),
                           .x_row = cols,
                           .y = elements<float>(out),
                           .y_row = cols});
    return out;
  }
  return softmax_rows(x, d, "softmax_lastdim_kernel_impl",
                      [](double v, double sum) { return std::exp(v) / sum; });
}

Tensor log_softmax(const Tensor& x, int64_t dim) {
  return softmax_rows(x, wrap_dim(dim, x.dim()), "log_softmax_lastdim_kernel_impl",
                      [](double v, double sum) { return v - std::log(sum); });
}

namespace {

Tensor in_dtype(const Tensor& x, const std::optional<ScalarType>& dtype) { return dtype ? x.to(*dtype) : x; }

void softmax_op(OpCall& c) { c.ret(softmax(in_dtype(c.tensor(0), c.optional_dtype(2)), c.integer(1))); }
void log_softmax_op(OpCall& c) {
  c.ret(log_softmax(in_dtype(c.tensor(0), c.optional_dtype(2)), c.integer(1)));
}

void softmax_inner(OpCall& c) {
  if (c.boolean(2)) throw RuntimeError("softmax with half to float conversion is not supported on CPU");
  c.ret(softmax(c.tensor(0), c.integer(1)));
}
void log_softmax_inner(OpCall& c) {
  if (c.boolean(2)) throw RuntimeError("softmax with half to float conversion is not supported on CPU");
  c.ret(log_softmax(c.tensor(0), c.integer(1)));
}

constexpr OpRow kSoftmaxOps[] = {
    {"aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", softmax_op},
    {"aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", log_softmax_op},
    {"aten::special_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", softmax_op},
    {"aten::special_log_softmax(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", log_softmax_op},
    {"aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", softmax_inner},
    {"aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", log_softmax_inner},
};

}  // namespace

OpTable softmax_ops() { return kSoftmaxOps; }

}  // namespace calque::ops
