// Running sums, products and extremes, differences.
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/join.h"
#include "ops/loops.h"
#include "ops/rows.h"
#include "ops/support.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

ScalarType running_dtype(const Tensor& x, const std::optional<ScalarType>& dtype) {
  if (dtype) return *dtype;
  return x.dtype() == kBool || is_integral(x.dtype()) ? kLong : x.dtype();
}

/// out[i] = f(out[i - 1], x[i]) along a dimension; floats in double.
template <class F>
Tensor running(const Tensor& x, int64_t dim, ScalarType dtype, int start, F f) {
  const int64_t d = wrap_dim(dim, x.dim());
  const Tensor in = x.to(dtype).contiguous();
  const Tensor out = empty(x.sizes(), dtype);
  dispatch_all(dtype, "cumsum_out_cpu", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    using Acc = std::conditional_t<std::is_floating_point_v<Op>, double, Op>;
    if constexpr (std::is_same_v<Op, bool>) throw_not_implemented("cumsum_out_cpu", kBool);
    for_each_row(in.sizes(), d, [&](const Row& row) {
      auto total = static_cast<Acc>(start);
      for (int64_t i = 0; i < row.size; ++i) {
        const int64_t at = row.offset + i * row.stride;
        total = f(total, static_cast<Acc>(Element<T>::load(elements<T>(in)[at])));
        elements<T>(out)[at] = Element<T>::store(static_cast<Op>(total));
      }
    });
  });
  return out;
}

Tensor cumsum(const Tensor& x, int64_t dim, ScalarType dtype) {
  return running(x, dim, dtype, 0, []<class A>(A a, A b) { return wrap_add(a, b); });
}
Tensor cumprod(const Tensor& x, int64_t dim, ScalarType dtype) {
  return running(x, dim, dtype, 1, []<class A>(A a, A b) { return wrap_mul(a, b); });
}

using Running = Tensor (*)(const Tensor&, int64_t, ScalarType);
template <Running F>
void running_op(OpCall& c) {
  c.ret(F(c.tensor(0), c.integer(1), running_dtype(c.tensor(0), c.optional_dtype(2))));
}
template <Running F>
void running_op_(OpCall& c) {
  const Tensor self = c.tensor(0);
  if (c.optional_dtype(2) && *c.optional_dtype(2) != self.dtype()) {
    throw RuntimeError("provided dtype must match the dtype of self tensor in cumsum");
  }
  write_in_place(self, F(self, c.integer(1), running_dtype(self, std::nullopt)).to(self.dtype()));
  c.ret(c[0]);
}

/// Running maximum or minimum with places; equal later elements win, NaN stays.
template <bool Max>
void extreme_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t d = wrap_dim(c.integer(1), x.dim());
  const Tensor in = x.contiguous();
  const Tensor values = empty(x.sizes(), x.dtype());
  const Tensor places = empty(x.sizes(), kLong);
  dispatch_all(x.dtype(), Max ? "cummax_cpu" : "cummin_cpu", [&]<class T>(TypeTag<T>) {
    for_each_row(in.sizes(), d, [&](const Row& row) {
      int64_t best = 0;
      for (int64_t i = 0; i < row.size; ++i) {
        const int64_t at = row.offset + i * row.stride;
        const OpType<T> v = Element<T>::load(elements<T>(in)[at]);
        const OpType<T> old = Element<T>::load(elements<T>(in)[row.offset + best * row.stride]);
        if (v != v || (old == old && (Max ? v >= old : v <= old))) best = i;
        elements<T>(values)[at] = elements<T>(in)[row.offset + best * row.stride];
        elements<int64_t>(places)[at] = best;
      }
    });
  });
  c.ret(values, 0);
  c.ret(places, 1);
}

Tensor logcumsumexp_of(const Tensor& x, int64_t dim) {
  if (!x.is_floating_point()) throw_not_implemented("logcumsumexp_out_cpu", x.dtype());
  const int64_t d = wrap_dim(dim, x.dim());
  const Tensor in = x.contiguous();
  const Tensor out = empty(x.sizes(), x.dtype());
  dispatch_floating(x.dtype(), "logcumsumexp_out_cpu", [&]<class T>(TypeTag<T>) {
    for_each_row(in.sizes(), d, [&](const Row& row) {
      double total = -std::numeric_limits<double>::infinity();
      for (int64_t i = 0; i < row.size; ++i) {
        const int64_t at = row.offset + i * row.stride;
        const auto v = static_cast<double>(Element<T>::load(elements<T>(in)[at]));
        const double high = std::fmax(total, v);
        const bool infinite = std::isinf(high) && total == v;
        if (!infinite && total == total) {
          total = v != v             ? v
                  : std::isinf(high) ? high
                                     : high + std::log(std::exp(total - high) + std::exp(v - high));
        }
        elements<T>(out)[at] = Element<T>::store(static_cast<OpType<T>>(total));
      }
    });
  });
  return out;
}
void logcumsumexp_op(OpCall& c) { c.ret(logcumsumexp_of(c.tensor(0), c.integer(1))); }

void diff(OpCall& c) {
  Tensor x = c.tensor(0);
  const int64_t n = c.integer(1);
  if (n < 0) throw RuntimeError(cat("order must be non-negative but got ", n));
  if (x.dim() == 0) throw RuntimeError("diff expects input to be at least one-dimensional");
  const int64_t d = wrap_dim(c.integer(2), x.dim());
  std::vector<Tensor> parts;
  if (!c[3].isNone()) parts.push_back(c.tensor(3));
  parts.push_back(x);
  if (!c[4].isNone()) parts.push_back(c.tensor(4));
  for (const Tensor& t : parts) {
    if (t.dim() != x.dim()) {
      throw RuntimeError("diff expects prepend or append to be the same dimension as input");
    }
  }
  if (n == 0) return c.ret(x.clone());
  if (parts.size() > 1) x = concatenate(parts, d);
  for (int64_t i = 0; i < n && (i == 0 || x.sizes()[d] > 0); ++i) {
    const int64_t size = x.sizes()[d];
    const Tensor high = x.slice(d, std::min<int64_t>(1, size), size);
    const Tensor low = x.slice(d, 0, std::max<int64_t>(size - 1, 0));
    if (x.dtype() != kBool) {
      x = sub(high, low);
      continue;
    }
    const Tensor out = empty(high.sizes(), kBool);
    map_binary<BoolByte, BoolByte>(out, high, low, [](bool a, bool b) { return a != b; });
    x = out;
  }
  c.ret(x);
}

constexpr OpRow kCumulativeOps[] = {
    {"aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", running_op<cumsum>},
    {"aten::cumsum_(Tensor(a!) self, int dim, *, ScalarType? dtype=None) -> Tensor(a!)", running_op_<cumsum>},
    {"aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", running_op<cumprod>},
    {"aten::cumprod_(Tensor(a!) self, int dim, *, ScalarType? dtype=None) -> Tensor(a!)",
     running_op_<cumprod>},
    {"aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)", extreme_op<true>},
    {"aten::cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)", extreme_op<false>},
    {"aten::logcumsumexp(Tensor self, int dim) -> Tensor", logcumsumexp_op},
    {"aten::diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor",
     diff},
};

}  // namespace

OpTable cumulative_ops() { return kCumulativeOps; }

}  // namespace calque::ops
