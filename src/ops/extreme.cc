// Largest and smallest elements, their places, medians.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/reduction.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

/// The place of the first extreme element; the first NaN when there is one.
template <bool Max, class T>
int64_t extreme_place(const T* p, int64_t n) {
  int64_t best = 0;
  OpType<T> value = Element<T>::load(p[0]);
  for (int64_t i = 1; i < n && value == value; ++i) {
    const OpType<T> v = Element<T>::load(p[i]);
    if (v != v || (Max ? v > value : v < value)) {
      best = i;
      value = v;
    }
  }
  return best;
}

template <bool Max>
constexpr std::string_view kName = Max ? "max" : "min";

void check_not_empty_all(const Tensor& x, std::string_view op) {
  if (x.numel() > 0) return;
  throw RuntimeError(
      cat(op,
          "(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction "
          "dim with the 'dim' argument."));
}

void check_not_empty_dim(const Tensor& x, int64_t d, std::string_view op) {
  if (x.dim() == 0 || x.sizes()[d] > 0) return;
  throw IndexError(cat(op, "(): Expected reduction dim ", d, " to have non-zero size."));
}

struct Extreme {
  Tensor values, places;
};

template <bool Max>
Extreme extreme(const Tensor& x, const ReductionDims& dims) {
  const ReductionInput in = reduction_input(x, dims.mask);
  const Dims sizes = dims.result_sizes(x);
  const Extreme out{.values = empty(sizes, x.dtype()), .places = empty(sizes, kLong)};
  dispatch_all(x.dtype(), kName<Max>, [&]<class T>(TypeTag<T>) {
    for (int64_t row = 0; row < in.rows; ++row) {
      const T* p = elements<T>(in.data) + row * in.n;
      const int64_t place = extreme_place<Max>(p, in.n);
      elements<T>(out.values)[row] = p[place];
      elements<int64_t>(out.places)[row] = place;
    }
  });
  return out;
}

template <bool Max>
void extreme_all(OpCall& c) {
  const Tensor x = c.tensor(0);
  check_not_empty_all(x, kName<Max>);
  c.ret(extreme<Max>(x, reduction_dims(IValue(), x.dim(), false)).values);
}

template <bool Max>
void extreme_dim(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t d = wrap_dim(c.integer(1), x.dim());
  check_not_empty_dim(x, d, kName<Max>);
  const Extreme found = extreme<Max>(x, one_dim(d, x.dim(), c.boolean(2)));
  c.ret(found.values, 0);
  c.ret(found.places, 1);
}

template <bool Max>
void amax_amin(OpCall& c) {
  const std::string_view name = Max ? "amax" : "amin";
  const Tensor x = c.tensor(0);
  const Dims listed = c.ints(1);
  if (x.numel() == 0) {
    if (listed.empty()) check_not_empty_all(x, name);
    for (const int64_t dim : listed) check_not_empty_dim(x, wrap_dim(dim, x.dim()), name);
  }
  c.ret(extreme<Max>(x, reduction_dims(c[1], x.dim(), c.boolean(2))).values);
}

template <bool Max>
void argmax_argmin(OpCall& c) {
  const std::string_view name = Max ? "argmax" : "argmin";
  const Tensor x = c.tensor(0);
  if (x.dtype() == kBool) throw_not_implemented(Max ? "argmax_cpu" : "argmin_cpu", kBool);
  if (c[1].isNone()) {
    if (x.numel() == 0)
      throw IndexError(cat(name, "(): Expected reduction dim to be specified for input.numel() == 0."));
    ReductionDims dims = reduction_dims(IValue(), x.dim(), c.boolean(2));
    return c.ret(extreme<Max>(x, dims).places);
  }
  const int64_t d = wrap_dim(c.integer(1), x.dim());
  check_not_empty_dim(x, d, name);
  c.ret(extreme<Max>(x, one_dim(d, x.dim(), c.boolean(2))).places);
}

void aminmax(OpCall& c) {
  const Tensor x = c.tensor(0);
  ReductionDims dims = reduction_dims(IValue(), x.dim(), c.boolean(2));
  if (c[1].isNone()) {
    if (x.numel() == 0) {
      throw RuntimeError(
          "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
    }
  } else {
    check_not_empty_dim(x, wrap_dim(c.integer(1), x.dim()), "aminmax");
    dims = one_dim(c.integer(1), x.dim(), c.boolean(2));
  }
  c.ret(extreme<false>(x, dims).values, 0);
  c.ret(extreme<true>(x, dims).values, 1);
}

// --- medians

/// Place of the lower median; NaN sorts last. `skip_nan`: among the others only.
template <class T>
int64_t median_place(const T* p, int64_t n, bool skip_nan) {
  std::vector<int64_t> order;
  int64_t first_nan = -1;
  for (int64_t i = 0; i < n; ++i) {
    const OpType<T> v = Element<T>::load(p[i]);
    if (v == v) {
      order.push_back(i);
    } else if (first_nan < 0) {
      first_nan = i;
    }
  }
  if (first_nan >= 0 && (!skip_nan || order.empty())) return first_nan;
  std::ranges::sort(order, [p](int64_t a, int64_t b) {
    const OpType<T> x = Element<T>::load(p[a]);
    const OpType<T> y = Element<T>::load(p[b]);
    return x < y || (x == y && a < b);
  });
  return order[(order.size() - 1) / 2];
}

Extreme median(const Tensor& x, const ReductionDims& dims, bool skip_nan) {
  const ReductionInput in = reduction_input(x, dims.mask);
  const Dims sizes = dims.result_sizes(x);
  const Extreme out{.values = empty(sizes, x.dtype()), .places = empty(sizes, kLong)};
  dispatch_numeric(x.dtype(), "median_out", [&]<class T>(TypeTag<T>) {
    for (int64_t row = 0; row < in.rows; ++row) {
      const T* p = elements<T>(in.data) + row * in.n;
      const int64_t place = median_place(p, in.n, skip_nan);
      elements<T>(out.values)[row] = p[place];
      elements<int64_t>(out.places)[row] = place;
    }
  });
  return out;
}

template <bool SkipNan>
void median_all(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.numel() == 0) {
    // PyTorch: NaN where there is one, else the smallest integer.
    const Scalar none = x.is_floating_point() ? Scalar(NAN) : Scalar(std::numeric_limits<int64_t>::min());
    return c.ret(
        full({}, none, x.dtype() == kLong || x.is_floating_point() ? x.dtype() : kLong).to(x.dtype()));
  }
  c.ret(median(x, reduction_dims(IValue(), x.dim(), false), SkipNan).values);
}

template <bool SkipNan>
void median_dim(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t d = wrap_dim(c.integer(1), x.dim());
  check_not_empty_dim(x, d, "median");
  const Extreme found = median(x, one_dim(d, x.dim(), c.boolean(2)), SkipNan);
  c.ret(found.values, 0);
  c.ret(found.places, 1);
}

constexpr OpRow kExtremeOps[] = {
    {"aten::max(Tensor self) -> Tensor", extreme_all<true>},
    {"aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     extreme_dim<true>},
    {"aten::min(Tensor self) -> Tensor", extreme_all<false>},
    {"aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     extreme_dim<false>},
    {"aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", amax_amin<true>},
    {"aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", amax_amin<false>},
    {"aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", argmax_argmin<true>},
    {"aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", argmax_argmin<false>},
    {"aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)", aminmax},
    {"aten::median(Tensor self) -> Tensor", median_all<false>},
    {"aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     median_dim<false>},
    {"aten::nanmedian(Tensor self) -> Tensor", median_all<true>},
    {"aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     median_dim<true>},
};

}  // namespace

OpTable extreme_ops() { return kExtremeOps; }

}  // namespace calque::ops
