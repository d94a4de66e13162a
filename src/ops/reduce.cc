// Sums, products, means and logical reductions.
#include "ops/reduce.h"

#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/tables.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

/// Floats are accumulated in double, integers in themselves.
template <class T>
using Accumulator = std::conditional_t<std::is_floating_point_v<OpType<T>>, double, OpType<T>>;

template <class T, class F>
T fold(const T* p, int64_t n, Accumulator<T> start, F f) {
  for (int64_t i = 0; i < n; ++i) start = f(start, static_cast<Accumulator<T>>(Element<T>::load(p[i])));
  return Element<T>::store(static_cast<OpType<T>>(start));
}

ScalarType sum_dtype(const Tensor& x, const std::optional<ScalarType>& dtype) {
  if (dtype) return *dtype;
  return x.dtype() == kBool || is_integral(x.dtype()) ? kLong : x.dtype();
}

template <class F>
Tensor fold_all(const Tensor& x, const ReductionDims& dims, ScalarType dtype, std::string_view name,
                int start, F f) {
  const Tensor out = empty(dims.result_sizes(x), dtype);
  const ReductionInput in = reduction_input(x.to(dtype), dims.mask);
  dispatch_all(dtype, name, [&]<class T>(TypeTag<T>) {
    reduce_rows<T, T>(
        out, in, [&](const T* p, int64_t n) { return fold<T>(p, n, static_cast<Accumulator<T>>(start), f); });
  });
  return out;
}

}  // namespace

Tensor sum(const Tensor& x, const ReductionDims& dims, ScalarType dtype) {
  return fold_all(x, dims, dtype, "sum_cpu", 0, []<class A>(A a, A b) {
    if constexpr (std::is_same_v<A, bool>) {
      return a || b;
    } else {
      return wrap_add(a, b);
    }
  });
}

namespace {

ReductionDims everything(const Tensor& x) { return reduction_dims(IValue(), x.dim(), false); }

Tensor prod(const Tensor& x, const ReductionDims& dims, ScalarType dtype) {
  return fold_all(x, dims, dtype, "prod_cpu", 1, []<class A>(A a, A b) {
    if constexpr (std::is_same_v<A, bool>) {
      return a && b;
    } else {
      return wrap_mul(a, b);
    }
  });
}

Tensor mean(const Tensor& x, const ReductionDims& dims, const std::optional<ScalarType>& dtype) {
  const ScalarType type = dtype.value_or(x.dtype());
  if (!is_floating_point(type)) {
    throw RuntimeError(
        cat("mean(): could not infer output dtype. ", dtype ? "Optional" : "Input",
            " dtype must be either a floating point or complex dtype. Got: ", dtype_cpp_name(type)));
  }
  const Tensor out = empty(dims.result_sizes(x), type);
  const ReductionInput in = reduction_input(x.to(type), dims.mask);
  dispatch_floating(type, "mean_cpu", [&]<class T>(TypeTag<T>) {
    reduce_rows<T, T>(out, in, [](const T* p, int64_t n) {
      double total = 0;
      for (int64_t i = 0; i < n; ++i) total += static_cast<double>(Element<T>::load(p[i]));
      return Element<T>::store(static_cast<OpType<T>>(total / static_cast<double>(n)));
    });
  });
  return out;
}

Tensor without_nan(const Tensor& x) {
  const Tensor out = empty_like(x, x.dtype());
  dispatch_floating(x.dtype(), "nansum", [&]<class T>(TypeTag<T>) {
    map_unary<T, T>(out, x, [](auto v) { return v != v ? decltype(v)(0) : v; });
  });
  return out;
}

/// any (All = false) and all (All = true). uint8 gives uint8.
template <bool All>
Tensor truth(const Tensor& x, const ReductionDims& dims) {
  const Tensor out = empty(dims.result_sizes(x), x.dtype() == kByte ? kByte : kBool);
  const ReductionInput in = reduction_input(x, dims.mask);
  dispatch_all(x.dtype(), All ? "all" : "any", [&]<class T>(TypeTag<T>) {
    reduce_rows<uint8_t, T>(out, in, [](const T* p, int64_t n) {
      bool found = All;
      for (int64_t i = 0; i < n && found == All; ++i) found = Element<T>::load(p[i]) != OpType<T>(0);
      return static_cast<uint8_t>(found);
    });
  });
  return out;
}

Tensor count_nonzero(const Tensor& x, const ReductionDims& dims) {
  const Tensor out = empty(dims.result_sizes(x), kLong);
  const ReductionInput in = reduction_input(x, dims.mask);
  dispatch_all(x.dtype(), "count_nonzero_cpu", [&]<class T>(TypeTag<T>) {
    reduce_rows<int64_t, T>(out, in, [](const T* p, int64_t n) {
      int64_t count = 0;
      for (int64_t i = 0; i < n; ++i) count += Element<T>::load(p[i]) != OpType<T>(0) ? 1 : 0;
      return count;
    });
  });
  return out;
}

Tensor logsumexp(const Tensor& x, const ReductionDims& dims) {
  const Tensor in_float = x.to(float_type_of(x.dtype()));
  const Tensor out = empty(dims.result_sizes(x), in_float.dtype());
  const ReductionInput in = reduction_input(in_float, dims.mask);
  dispatch_floating(in_float.dtype(), "logsumexp", [&]<class T>(TypeTag<T>) {
    reduce_rows<T, T>(out, in, [](const T* p, int64_t n) {
      double high = -std::numeric_limits<double>::infinity();
      for (int64_t i = 0; i < n; ++i) {
        const auto v = static_cast<double>(Element<T>::load(p[i]));
        if (v > high || v != v) high = v;
        if (v != v) break;
      }
      double total = 0;
      const double base = std::isinf(high) ? 0 : high;
      for (int64_t i = 0; i < n; ++i) total += std::exp(static_cast<double>(Element<T>::load(p[i])) - base);
      return Element<T>::store(static_cast<OpType<T>>(std::log(total) + base));
    });
  });
  return out;
}

void sum_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(sum(x, everything(x), sum_dtype(x, c.optional_dtype(1))));
}
void sum_dim(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(sum(x, reduction_dims(c[1], x.dim(), c.boolean(2)), sum_dtype(x, c.optional_dtype(3))));
}
void nansum(OpCall& c) {
  const Tensor x = c.tensor(0);
  const ReductionDims dims = reduction_dims(c[1], x.dim(), c.boolean(2));
  c.ret(sum(x.is_floating_point() ? without_nan(x) : x, dims, sum_dtype(x, c.optional_dtype(3))));
}
void prod_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(prod(x, everything(x), sum_dtype(x, c.optional_dtype(1))));
}
void prod_dim(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(prod(x, one_dim(c.integer(1), x.dim(), c.boolean(2)), sum_dtype(x, c.optional_dtype(3))));
}
void mean_op(OpCall& c) { c.ret(mean(c.tensor(0), everything(c.tensor(0)), c.optional_dtype(1))); }
void mean_dim(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(mean(x, reduction_dims(c[1], x.dim(), c.boolean(2)), c.optional_dtype(3)));
}

template <bool All>
void truth_op(OpCall& c) {
  c.ret(truth<All>(c.tensor(0), everything(c.tensor(0))));
}
template <bool All>
void truth_dim(OpCall& c) {
  c.ret(truth<All>(c.tensor(0), one_dim(c.integer(1), c.tensor(0).dim(), c.boolean(2))));
}
/// Here an empty list of dimensions reduces none.
template <bool All>
void truth_dims(OpCall& c) {
  const Tensor x = c.tensor(0);
  ReductionDims dims = reduction_dims(c[1], x.dim(), c.boolean(2));
  if (!c[1].isNone() && c.ints(1).empty()) dims.mask.assign(dims.mask.size(), false);
  c.ret(truth<All>(x, dims));
}

void count_nonzero_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(count_nonzero(x, c[1].isNone() ? everything(x) : one_dim(c.integer(1), x.dim(), false)));
}
void count_nonzero_dims(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(count_nonzero(x, reduction_dims(c[1], x.dim(), false)));
}
void logsumexp_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(logsumexp(x, reduction_dims(c[1], x.dim(), c.boolean(2))));
}
void trace(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dim() != 2) throw RuntimeError("trace: expected a matrix");
  const int64_t n = std::min(x.sizes()[0], x.sizes()[1]);
  const int64_t step = x.strides()[0] + x.strides()[1];
  const Tensor diagonal = make_view(x, {n}, {step}, x.storage_offset());
  c.ret(sum(diagonal, everything(diagonal), sum_dtype(x, std::nullopt)));
}

constexpr OpRow kReduceOps[] = {
    {"aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> "
     "Tensor",
     sum_dim},
    {"aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", sum_op},
    {"aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     nansum},
    {"aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor", prod_op},
    {"aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     prod_dim},
    {"aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", mean_op},
    {"aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     mean_dim},
    {"aten::any(Tensor self) -> Tensor", truth_op<false>},
    {"aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", truth_dim<false>},
    {"aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", truth_dims<false>},
    {"aten::all(Tensor self) -> Tensor", truth_op<true>},
    {"aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", truth_dim<true>},
    {"aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", truth_dims<true>},
    {"aten::count_nonzero(Tensor self, int? dim=None) -> Tensor", count_nonzero_op},
    {"aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor", count_nonzero_dims},
    {"aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", logsumexp_op},
    {"aten::trace(Tensor self) -> Tensor", trace},
};

}  // namespace

OpTable reduce_ops() { return kReduceOps; }

}  // namespace calque::ops
