// gather, scatter and the index_* operators: one dimension indexed by a tensor. Every index is checked.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/frames.h"
#include "ops/loops.h"
#include "ops/positions.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

// --- gather and scatter: index has the rank of self

void check_gather_shapes(const Tensor& self, const Tensor& index, int64_t d) {
  if (std::max<int64_t>(self.dim(), 1) != std::max<int64_t>(index.dim(), 1)) {
    throw RuntimeError("Index tensor must have the same number of dimensions as input tensor");
  }
  for (int64_t i = 0; i < std::min(self.dim(), index.dim()); ++i) {
    if (i != d && index.sizes()[i] > self.sizes()[i]) {
      throw RuntimeError(cat("Size does not match at dimension ", i, " expected index ", index.sizes(),
                             " to be no larger than self ", self.sizes(), " apart from dimension ", d));
    }
  }
}

void check_index_dtype(const Tensor& index, std::string_view op) {
  if (index.dtype() != kLong && index.dtype() != kInt) {
    throw RuntimeError(cat(op, "(): Expected dtype int32/int64 for index"));
  }
}

/// Calls f(offset in self, position in index) for each element of `index`, whose values are checked.
template <class F>
void for_each_indexed(const Tensor& self, int64_t d, const Tensor& index, F f) {
  const Tensor flat = index.to(kLong).contiguous();
  const auto* p = elements<int64_t>(flat);
  const bool scalar = self.dim() == 0;
  const int64_t size = scalar ? 1 : self.sizes()[d];
  const int64_t stride = scalar ? 0 : self.strides()[d];
  Dims strides(flat.sizes().size(), 0);
  for (size_t i = 0; !scalar && i < strides.size(); ++i)
    strides[i] = static_cast<int64_t>(i) == d ? 0 : self.strides()[i];
  Dims at(flat.sizes().size(), 0);
  int64_t base = 0;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    if (p[i] < 0 || p[i] >= size) {
      throw RuntimeError(cat("index ", p[i], " is out of bounds for dimension ", d, " with size ", size));
    }
    f(base + p[i] * stride, i);
    for (size_t k = at.size(); k-- > 0;) {
      base += strides[k];
      if (++at[k] < flat.sizes()[k]) break;
      base -= strides[k] * flat.sizes()[k];
      at[k] = 0;
    }
  }
}

Tensor gather(const Tensor& self, int64_t dim, const Tensor& index) {
  const int64_t d = wrap_dim(dim, self.dim());
  Tensor out = empty(index.sizes(), self.dtype());
  if (index.numel() == 0) return out;
  check_index_dtype(index, "gather");
  check_gather_shapes(self, index, d);
  dispatch_width(self.dtype(), [&]<class T>(TypeTag<T>) {
    const T* p = elements<T>(self);
    T* r = elements<T>(out);
    for_each_indexed(self, d, index, [&](int64_t from, int64_t to) { r[to] = p[from]; });
  });
  return out;
}
void gather_op(OpCall& c) { c.ret(gather(c.tensor(0), c.integer(1), c.tensor(2))); }

/// gather with the other dimensions broadcast; without a dimension, of the flattened tensors.
void take_along_dim(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor index = c.tensor(1);
  if (index.dtype() != kLong && index.dtype() != kInt) {
    throw RuntimeError(cat("torch.take_along_dim(): dtype of indices should be Long but got ",
                           dtype_cpp_name(index.dtype())));
  }
  if (c[2].isNone()) {
    return c.ret(gather(self.contiguous().view(Dims{-1}), 0, index.contiguous().view(Dims{-1})));
  }
  if (self.dim() != index.dim()) {
    throw RuntimeError(
        cat("torch.take_along_dim(): input and indices should have the same number of dimensions, but got ",
            self.dim(), " dimensions for input, and ", index.dim(), " dimensions for indices"));
  }
  const int64_t d = wrap_dim(c.integer(2), self.dim());
  if (self.dim() == 0) return c.ret(gather(self, d, index));
  Dims self_sizes = to_dims(self.sizes());
  Dims index_sizes = to_dims(index.sizes());
  self_sizes[d] = index_sizes[d] = 1;
  Dims joint = broadcast_shapes(self_sizes, index_sizes);
  const auto widened = [&](const Tensor& t) {
    joint[d] = t.sizes()[d];
    return t.expand(joint);
  };
  c.ret(gather(widened(self), d, widened(index)));
}

void check_scatter_shapes(const Tensor& self, const Tensor& index, const Tensor& src, int64_t d) {
  const auto rank = [](const Tensor& t) { return std::max<int64_t>(t.dim(), 1); };
  if (rank(self) != rank(index)) {
    throw RuntimeError("Index tensor must have the same number of dimensions as self tensor");
  }
  if (src.defined() && rank(src) != rank(index)) {
    throw RuntimeError("Index tensor must have the same number of dimensions as src tensor");
  }
  bool fits = true;
  for (int64_t i = 0; i < index.dim(); ++i) {
    if (i != d && self.dim() > 0) fits = fits && index.sizes()[i] <= self.sizes()[i];
    if (src.defined() && src.dim() > 0) fits = fits && index.sizes()[i] <= src.sizes()[i];
  }
  if (fits) return;
  std::string message = cat("Expected index ", index.sizes(), " to be no larger than self ", self.sizes(),
                            " apart from dimension ", d);
  if (src.defined()) message += cat(" and to be no larger size than src ", src.sizes());
  throw RuntimeError(message);
}

enum class Combine { kReplace, kAdd, kMultiply, kMaximum, kMinimum };

template <class Op>
Op combine(Combine how, Op old, Op value) {
  if constexpr (std::is_same_v<Op, bool>) {
    if (how == Combine::kReplace) return value;
    const bool both = how == Combine::kMultiply || how == Combine::kMinimum;
    return both ? old && value : old || value;
  } else {
    switch (how) {
      case Combine::kAdd:
        return wrap_add(old, value);
      case Combine::kMultiply:
        return wrap_mul(old, value);
      case Combine::kMaximum:
        return old != old || old > value ? old : value;
      case Combine::kMinimum:
        return old != old || old < value ? old : value;
      default:
        return value;
    }
  }
}

/// `src` is a tensor, or undefined with a number in its place.
struct ScatterSource {
  Tensor tensor{};
  Scalar number{};
};

void scatter_into(const Tensor& self, int64_t dim, const Tensor& index, const ScatterSource& src, Combine how,
                  std::string_view op) {
  const int64_t d = wrap_dim(dim, self.dim());
  check_no_internal_overlap(self);
  if (src.tensor.defined() && src.tensor.dtype() != self.dtype()) {
    throw RuntimeError(cat(op, "(): Expected self.dtype to be equal to src.dtype"));
  }
  if (index.numel() == 0) return;
  check_index_dtype(index, op);
  check_scatter_shapes(self, index, src.tensor, d);
  const Tensor values = src.tensor.defined() ? src.tensor.clone() : Tensor();
  std::vector<int64_t> from;
  if (values.defined()) {
    from = element_offsets(index.sizes(),
                           values.dim() == 0 ? Dims(index.sizes().size(), 0) : strides_of(values));
  }
  dispatch_all(self.dtype(), op, [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    T* p = elements<T>(self);
    const Op number = stored_scalar<T>(src.number, self.dtype());
    for_each_indexed(self, d, index, [&](int64_t to, int64_t i) {
      const Op value = values.defined() ? Element<T>::load(elements<T>(values)[from[i]]) : number;
      p[to] = Element<T>::store(combine(how, Element<T>::load(p[to]), value));
    });
  });
}

Combine scatter_reduction(const IValue& name) {
  if (name.toStringRef() == "add") return Combine::kAdd;
  if (name.toStringRef() == "multiply") return Combine::kMultiply;
  throw RuntimeError("reduce argument must be either add or multiply.");
}

ScatterSource source_of(const IValue& value) {
  if (value.isTensor()) return {.tensor = value.toTensor()};
  return {.number = value.toScalar()};
}

constexpr auto kScatter = [](const Tensor& out, const OpCall& c) {
  scatter_into(out, c.integer(1), c.tensor(2), source_of(c[3]), Combine::kReplace, "scatter");
};
constexpr auto kScatterReduceOld = [](const Tensor& out, const OpCall& c) {
  scatter_into(out, c.integer(1), c.tensor(2), source_of(c[3]), scatter_reduction(c[4]), "scatter");
};
constexpr auto kScatterAdd = [](const Tensor& out, const OpCall& c) {
  scatter_into(out, c.integer(1), c.tensor(2), source_of(c[3]), Combine::kAdd, "scatter_add");
};

struct Reduction {
  Combine how;
  Scalar identity;
  bool mean = false;
};

Reduction reduction_of(const std::string& name, ScalarType dtype) {
  const bool floating = is_floating_point(dtype);
  const auto bound = [&](bool high) {
    if (floating) return Scalar(high ? -INFINITY : INFINITY);
    return dispatch_all(dtype, "scatter_reduce", [&]<class T>(TypeTag<T>) {
      using Limits = std::numeric_limits<OpType<T>>;
      return op_to_scalar(high ? Limits::lowest() : Limits::max());
    });
  };
  if (name == "sum") return {.how = Combine::kAdd, .identity = Scalar(0)};
  if (name == "mean") return {.how = Combine::kAdd, .identity = Scalar(0), .mean = true};
  if (name == "prod") return {.how = Combine::kMultiply, .identity = Scalar(1)};
  if (name == "amax") return {.how = Combine::kMaximum, .identity = bound(true)};
  if (name == "amin") return {.how = Combine::kMinimum, .identity = bound(false)};
  throw RuntimeError(cat("reduce argument must be either sum, prod, mean, amax or amin, got ", name));
}

/// Divides each place by the number of values that it received (integers: rounded down).
void divide_by_counts(const Tensor& self, const Tensor& counts) {
  dispatch_numeric(self.dtype(), "scatter_reduce", [&]<class T>(TypeTag<T>) {
    using Op = OpType<T>;
    const Tensor n = counts.to(self.dtype());
    const Tensor result = empty(self.sizes(), self.dtype());
    map_binary<T, T>(result, self, n, [](Op sum, Op count) {
      if (count == Op(0)) return sum;
      if constexpr (std::is_integral_v<Op>) {
        const auto rest = static_cast<Op>(sum % count);
        return static_cast<Op>(sum / count - (rest != 0 && (rest < 0) != (count < 0) ? 1 : 0));
      } else {
        return sum / count;
      }
    });
    self.copy_(result);
  });
}

constexpr auto kScatterReduce = [](const Tensor& out, const OpCall& c) {
  const bool include_self = c.boolean(5);
  const Reduction r = reduction_of(c[4].toStringRef(), out.dtype());
  const Tensor index = c.tensor(2);
  if (!include_self) {
    scatter_into(out, c.integer(1), index, {.number = r.identity}, Combine::kReplace, "scatter_reduce");
  }
  scatter_into(out, c.integer(1), index, {.tensor = c.tensor(3)}, r.how, "scatter_reduce");
  if (!r.mean) return;
  const Tensor counts = full(out.sizes(), Scalar(include_self ? 1 : 0), kLong);
  scatter_into(counts, c.integer(1), index, {.number = Scalar(1)}, Combine::kAdd, "scatter_reduce");
  divide_by_counts(out, counts);
};

constexpr OpRow kGatherOps[] = {
    {"aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor", gather_op},
    {"aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor", take_along_dim},
    {"aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor", on_copy<kScatter>},
    {"aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", on_copy<kScatter>},
    {"aten::scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor",
     on_copy<kScatterReduceOld>},
    {"aten::scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor",
     on_copy<kScatterReduceOld>},
    {"aten::scatter_.src(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)",
     in_place<kScatter>},
    {"aten::scatter_.value(Tensor(a!) self, int dim, Tensor index, Scalar value) -> Tensor(a!)",
     in_place<kScatter>},
    {"aten::scatter_.reduce(Tensor(a!) self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor(a!)",
     in_place<kScatterReduceOld>},
    {"aten::scatter_.value_reduce(Tensor(a!) self, int dim, Tensor index, Scalar value, *, str reduce) -> "
     "Tensor(a!)",
     in_place<kScatterReduceOld>},
    {"aten::scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", on_copy<kScatterAdd>},
    {"aten::scatter_add_(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)",
     in_place<kScatterAdd>},
    {"aten::scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool "
     "include_self=True) -> Tensor",
     on_copy<kScatterReduce>},
    {"aten::scatter_reduce_.two(Tensor(a!) self, int dim, Tensor index, Tensor src, str reduce, *, bool "
     "include_self=True) -> Tensor(a!)",
     in_place<kScatterReduce>},
};

}  // namespace

OpTable gather_ops() { return kGatherOps; }

}  // namespace calque::ops
