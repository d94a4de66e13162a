// Operators that index one dimension by a vector, and take.
#include <algorithm>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/frames.h"
#include "ops/loops.h"
#include "ops/positions.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// The values of an index vector (0-dim: one value) as int64.
std::vector<int64_t> index_values(const Tensor& index) {
  const Tensor flat = index.to(kLong).contiguous();
  return {elements<int64_t>(flat), elements<int64_t>(flat) + flat.numel()};
}

void check_vector(const Tensor& index, std::string_view op) {
  if (index.dim() > 1) throw IndexError(cat(op, "(): Index is supposed to be a vector"));
  if (index.dtype() != kLong && index.dtype() != kInt) {
    throw RuntimeError(cat(op, "(): Expected dtype int32 or int64 for index"));
  }
}

void index_select(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor index = c.tensor(2);
  const int64_t d = wrap_dim(c.integer(1), self.dim());
  check_vector(index, "index_select");
  const std::vector<int64_t> ids = index_values(index);
  const int64_t size = self.dim() == 0 ? 1 : self.sizes()[d];
  if (self.dim() == 0 && ids.size() != 1) {
    throw RuntimeError(
        cat("index_select(): Index to scalar can have only 1 value, got ", ids.size(), " value(s)"));
  }
  for (const int64_t id : ids) {
    if (id < 0 || id >= size) throw IndexError("index out of range in self");
  }
  if (self.dim() == 0) return c.ret(self.clone());
  const Tensor in = self.contiguous();
  Dims sizes = to_dims(self.sizes());
  sizes[d] = static_cast<int64_t>(ids.size());
  Tensor out = empty(sizes, self.dtype());
  const int64_t inner = product(self.sizes().subspan(d + 1));
  const int64_t outer = product(self.sizes().first(static_cast<size_t>(d)));
  dispatch_width(self.dtype(), [&]<class T>(TypeTag<T>) {
    T* r = elements<T>(out);
    for (int64_t o = 0; o < outer; ++o) {
      for (const int64_t id : ids) r = std::copy_n(elements<T>(in) + (o * size + id) * inner, inner, r);
    }
  });
  c.ret(out);
}

/// A 0-dim tensor as a vector, so that it can be indexed.
Tensor as_vector(const Tensor& t) { return t.dim() == 0 ? t.unsqueeze(0) : t; }

/// The slices of self along `dim`, one for each index; `ids` are checked by the caller.
void check_slices(const Tensor& self, const Tensor& source, int64_t d) {
  for (int64_t i = 0; i < self.dim(); ++i) {
    if (i != d && self.sizes()[i] != source.sizes()[i]) {
      throw RuntimeError(
          cat("source tensor shape must match self tensor shape, excluding the specified dimension. Got "
              "self.shape = ",
              self.sizes(), " source.shape = ", source.sizes()));
    }
  }
}

constexpr auto kIndexAdd = [](const Tensor& out, const OpCall& c) {
  const Tensor self = as_vector(out);
  const Tensor index = c.tensor(2);
  const Tensor source = as_vector(c.tensor(3));
  const int64_t d = wrap_dim(c.integer(1), self.dim());
  if (index.dim() > 1)
    throw IndexError("index_add_(): Index is supposed to be a vector, but got dim: " +
                     std::to_string(index.dim()));
  check_vector(index, "index_add_");
  if (self.dtype() != source.dtype()) {
    throw RuntimeError(cat("index_add_(): self (", dtype_cpp_name(self.dtype()), ") and source (",
                           dtype_cpp_name(source.dtype()), ") must have the same scalar type"));
  }
  if (self.dim() != source.dim()) {
    throw RuntimeError("index_add_(): self and source must have the same number of dimensions");
  }
  if (index.numel() != source.sizes()[d]) {
    throw RuntimeError(cat("index_add_(): Number of indices (", index.numel(),
                           ") should be equal to source.size(dim): (", source.sizes()[d], "), for dim: ", d));
  }
  check_slices(self, source, d);
  check_no_internal_overlap(self);
  const std::vector<int64_t> ids = index_values(index);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= self.sizes()[d]) {
      throw RuntimeError(
          cat("index ", ids[i], " is out of bounds for dimension ", d, " with size ", self.sizes()[d]));
    }
    const Tensor slot = self.select(d, ids[i]);
    slot.copy_(add(slot, source.select(d, static_cast<int64_t>(i)), c.scalar(4)));
  }
};

constexpr auto kIndexCopy = [](const Tensor& out, const OpCall& c) {
  const Tensor self = as_vector(out);
  const Tensor index = c.tensor(2);
  const Tensor source = as_vector(c.tensor(3));
  const int64_t d = wrap_dim(c.integer(1), self.dim());
  if (index.dim() > 1) {
    throw IndexError(cat("index_copy_(): Index should have dimension 1 or 0 (got ", index.dim(), ")"));
  }
  if (index.dtype() != kLong)
    throw RuntimeError("index_copy_(): Expected a long tensor for index, but got " +
                       std::string(dtype_cpp_name(index.dtype())));
  if (self.dtype() != source.dtype()) {
    throw RuntimeError(cat("index_copy_(): self and source expected to have the same dtype, but got (self) ",
                           dtype_cpp_name(self.dtype()), " and (source) ", dtype_cpp_name(source.dtype())));
  }
  if (self.dim() != source.dim()) {
    throw IndexError(
        cat("index_copy_(): When source and destination are not scalars, their dimensionality must match. "
            "Source dimensionality (",
            source.dim(), "), destination dimensionality (", self.dim(), ")"));
  }
  for (int64_t i = 0; i < self.dim(); ++i) {
    if (i != d && self.sizes()[i] != source.sizes()[i]) {
      throw RuntimeError(
          cat("index_copy_(): Source/destination tensor must have same slice shapes. Destination slice "
              "shape and source slice shape differ at dimension ",
              i));
    }
  }
  if (index.numel() != source.sizes()[d]) {
    throw IndexError(cat("index_copy_(): Number of indices (", index.numel(),
                         ") should be equal to source.size(dim) (", source.sizes()[d], ")"));
  }
  check_no_internal_overlap(self);
  if (self.numel() == 0) return;
  const std::vector<int64_t> ids = index_values(index);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= self.sizes()[d]) {
      throw IndexError(cat("index_copy_(): index ", ids[i], " is out of bounds for dimension ", d,
                           " with size ", self.sizes()[d]));
    }
    self.select(d, ids[i]).copy_(source.select(d, static_cast<int64_t>(i)));
  }
};

constexpr auto kIndexFill = [](const Tensor& out, const OpCall& c) {
  const Tensor self = as_vector(out);
  const Tensor index = c.tensor(2);
  const int64_t d = wrap_dim(c.integer(1), self.dim());
  Scalar value;
  if (c[3].isTensor()) {
    if (c.tensor(3).dim() != 0) {
      throw RuntimeError(cat("index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                             c.tensor(3).dim(), " dimension(s)."));
    }
    value = c.tensor(3).item();
  } else {
    value = c.scalar(3);
  }
  if (index.dtype() != kLong) throw IndexError("index_fill_(): Expected dtype int64 for index.");
  if (index.dim() > 1) throw IndexError("Index has to be a vector/scalar");
  check_no_internal_overlap(self);
  for (const int64_t id : index_values(index))
    self.select(d, wrap_index(id, d, self.sizes()[d])).fill_(value);
};

template <auto F>
void on_clone(OpCall& c) {
  const Tensor out = c.tensor(0).clone();
  F(out, c);
  c.ret(out);
}
void take(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor index = c.tensor(1);
  if (index.dtype() != kLong) {
    throw RuntimeError(
        cat("take(): Expected a long tensor for index, but got ", dtype_cpp_name(index.dtype())));
  }
  if (self.numel() == 0 && index.numel() != 0) throw IndexError("take(): tried to take from an empty tensor");
  const Tensor in = self.contiguous();
  Tensor out = empty(index.sizes(), self.dtype());
  const std::vector<int64_t> ids = index_values(index);
  dispatch_width(self.dtype(), [&]<class T>(TypeTag<T>) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < -in.numel() || ids[i] >= in.numel()) {
        throw IndexError(cat("out of range: tried to access index ", ids[i], " on a tensor of ", in.numel(),
                             " elements."));
      }
      elements<T>(out)[i] = elements<T>(in)[ids[i] < 0 ? ids[i] + in.numel() : ids[i]];
    }
  });
  c.ret(out);
}

constexpr OpRow kIndexDimOps[] = {
    {"aten::index_select(Tensor self, int dim, Tensor index) -> Tensor", index_select},
    {"aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
     on_copy<kIndexAdd>},
    {"aten::index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> "
     "Tensor(a!)",
     in_place<kIndexAdd>},
    {"aten::index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor", on_copy<kIndexCopy>},
    {"aten::index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source) -> Tensor(a!)",
     in_place<kIndexCopy>},
    {"aten::index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor",
     on_clone<kIndexFill>},
    {"aten::index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor",
     on_clone<kIndexFill>},
    {"aten::index_fill_.int_Tensor(Tensor(a!) self, int dim, Tensor index, Tensor value) -> Tensor(a!)",
     in_place<kIndexFill>},
    {"aten::index_fill_.int_Scalar(Tensor(a!) self, int dim, Tensor index, Scalar value) -> Tensor(a!)",
     in_place<kIndexFill>},
    {"aten::take(Tensor self, Tensor index) -> Tensor", take},
};

}  // namespace

OpTable index_dim_ops() { return kIndexDimOps; }

}  // namespace calque::ops
