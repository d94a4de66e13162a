// Variance and standard deviation.
#include <cmath>

#include "base/text.h"
#include "ops/reduction.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

struct Spread {
  Tensor spread, mean;
};

/// `correction` is subtracted from the count (Bessel's correction: 1).
Spread spread_of(const Tensor& x, const ReductionDims& dims, double correction, bool root) {
  if (!x.is_floating_point())
    throw RuntimeError("std and var only support floating point and complex dtypes");
  const ReductionInput in = reduction_input(x, dims.mask);
  const Dims sizes = dims.result_sizes(x);
  const Spread out{.spread = empty(sizes, x.dtype()), .mean = empty(sizes, x.dtype())};
  dispatch_floating(x.dtype(), "std_cpu", [&]<class T>(TypeTag<T>) {
    for (int64_t row = 0; row < in.rows; ++row) {
      const T* p = elements<T>(in.data) + row * in.n;
      double total = 0;
      for (int64_t i = 0; i < in.n; ++i) total += static_cast<double>(Element<T>::load(p[i]));
      const double mean = total / static_cast<double>(in.n);
      double squares = 0;
      for (int64_t i = 0; i < in.n; ++i) {
        const double d = static_cast<double>(Element<T>::load(p[i])) - mean;
        squares += d * d;
      }
      const double variance = squares / std::fmax(static_cast<double>(in.n) - correction, 0);
      elements<T>(out.spread)[row] =
          Element<T>::store(static_cast<OpType<T>>(root ? std::sqrt(variance) : variance));
      elements<T>(out.mean)[row] = Element<T>::store(static_cast<OpType<T>>(mean));
    }
  });
  return out;
}

void give(OpCall& c, const Spread& s, bool with_mean) {
  c.ret(s.spread, 0);
  if (with_mean) c.ret(s.mean, 1);
}

template <bool Root, bool Mean>
void of_all(OpCall& c) {
  const Tensor x = c.tensor(0);
  give(c, spread_of(x, reduction_dims(IValue(), x.dim(), false), c.boolean(1) ? 1 : 0, Root), Mean);
}
template <bool Root, bool Mean>
void of_dims(OpCall& c) {
  const Tensor x = c.tensor(0);
  give(c, spread_of(x, reduction_dims(c[1], x.dim(), c.boolean(3)), c.boolean(2) ? 1 : 0, Root), Mean);
}
template <bool Root, bool Mean>
void with_correction(OpCall& c) {
  const Tensor x = c.tensor(0);
  give(c, spread_of(x, reduction_dims(c[1], x.dim(), c.boolean(3)), c[2].isNone() ? 1 : c.number(2), Root),
       Mean);
}

constexpr OpRow kVarianceOps[] = {
    {"aten::var(Tensor self, bool unbiased=True) -> Tensor", of_all<false, false>},
    {"aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
     of_dims<false, false>},
    {"aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "Tensor",
     with_correction<false, false>},
    {"aten::std(Tensor self, bool unbiased=True) -> Tensor", of_all<true, false>},
    {"aten::std.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
     of_dims<true, false>},
    {"aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "Tensor",
     with_correction<true, false>},
    {"aten::var_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)", of_all<false, true>},
    {"aten::var_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, "
     "Tensor)",
     of_dims<false, true>},
    {"aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
     "keepdim=False) -> (Tensor, Tensor)",
     with_correction<false, true>},
    {"aten::std_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)", of_all<true, true>},
    {"aten::std_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, "
     "Tensor)",
     of_dims<true, true>},
    {"aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool "
     "keepdim=False) -> (Tensor, Tensor)",
     with_correction<true, true>},
};

}  // namespace

OpTable variance_ops() { return kVarianceOps; }

}  // namespace calque::ops
