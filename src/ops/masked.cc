// Operators that take a mask.
#include "ops/masked.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/positions.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/copy.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

// --- masked_fill

void check_fill_mask(const Tensor& mask) {
  if (mask.dtype() == kBool) return;
  const std::string_view name = mask.dtype() == kLong ? "long int" : dtype_name(mask.dtype());
  throw RuntimeError(cat("masked_fill_ only supports boolean masks, but got mask with dtype ", name));
}

}  // namespace

void fill_masked(const Tensor& self, const Tensor& mask, const Scalar& value) {
  check_fill_mask(mask);
  check_broadcasts_to(mask, self.sizes());
  check_no_internal_overlap(self);
  check_no_partial_overlap(self, mask);
  dispatch_all(self.dtype(), "masked_fill", [&]<class T>(TypeTag<T>) {
    const T filler = Element<T>::store(stored_scalar<T>(value, self.dtype()));
    T* p = elements<T>(self);
    const auto* m = elements<uint8_t>(mask);
    StridedLoop<2>(self.sizes(), {strides_of(self), broadcast_strides(mask, self.sizes())})
        .for_each_run([&](int64_t n, const auto& o, const auto& s) {
          for (int64_t i = 0; i < n; ++i) {
            if (m[o[1] + i * s[1]] != 0) p[o[0] + i * s[0]] = filler;
          }
        });
  });
}

namespace {

Scalar fill_value(const IValue& value) {
  if (!value.isTensor()) return value.toScalar();
  const Tensor t = value.toTensor();
  if (t.dim() != 0) {
    throw RuntimeError(cat("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
                           t.dim(), " dimension(s)."));
  }
  return t.item();
}

void masked_fill_(OpCall& c) {
  fill_masked(c.tensor(0), c.tensor(1), fill_value(c[2]));
  c.ret(c[0]);
}

void masked_fill(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor mask = c.tensor(1);
  check_fill_mask(mask);
  const Scalar value = fill_value(c[2]);
  const Dims sizes = broadcast_shapes(mask.sizes(), self.sizes());
  const Tensor wide = self.expand(sizes);
  Tensor out = empty(sizes, self.dtype());
  out.copy_(wide);
  fill_masked(out, mask, value);
  c.ret(out);
}

// --- masked_select, masked_scatter

void masked_select(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor mask = c.tensor(1);
  if (mask.dtype() != kBool) throw RuntimeError("masked_select: expected BoolTensor for mask");
  const Dims sizes = broadcast_shapes(self.sizes(), mask.sizes());
  const Tensor wide = self.expand(sizes).contiguous();
  const Tensor flat = mask.expand(sizes).contiguous();
  const auto* m = elements<uint8_t>(flat);
  const int64_t count = std::count_if(m, m + flat.numel(), [](uint8_t v) { return v != 0; });
  Tensor out = empty({count}, self.dtype());
  dispatch_width(self.dtype(), [&]<class T>(TypeTag<T>) {
    T* r = elements<T>(out);
    for (int64_t i = 0; i < flat.numel(); ++i) {
      if (m[i] != 0) *r++ = elements<T>(wide)[i];
    }
  });
  c.ret(out);
}

/// `self` is contiguous and of the final shape.
void masked_scatter_into(const Tensor& self, const Tensor& mask, const Tensor& source) {
  if (mask.dtype() != kBool) {
    throw RuntimeError(cat("masked_scatter_ only supports boolean masks, but got mask with dtype ",
                           dtype_cpp_name(mask.dtype())));
  }
  if (self.dtype() != source.dtype()) {
    throw RuntimeError(cat("masked_scatter: expected self and source to have same dtypes but got",
                           dtype_cpp_name(self.dtype()), " and ", dtype_cpp_name(source.dtype())));
  }
  const Tensor flat = mask.expand(self.sizes()).contiguous();
  const Tensor values = source.contiguous();
  const auto* m = elements<uint8_t>(flat);
  int64_t next = 0;
  dispatch_width(self.dtype(), [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < flat.numel(); ++i) {
      if (m[i] == 0) continue;
      if (next == values.numel()) throw RuntimeError("Number of elements of source < number of ones in mask");
      elements<T>(self)[i] = elements<T>(values)[next++];
    }
  });
}

void masked_scatter(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Dims sizes = broadcast_shapes(self.sizes(), c.tensor(1).sizes());
  Tensor out = empty(sizes, self.dtype());
  out.copy_(self);
  masked_scatter_into(out, c.tensor(1), c.tensor(2));
  c.ret(out);
}
void masked_scatter_(OpCall& c) {
  const Tensor self = c.tensor(0);
  check_broadcasts_to(c.tensor(1), self.sizes());
  Tensor out = empty(self.sizes(), self.dtype());
  out.copy_(self);
  masked_scatter_into(out, c.tensor(1), c.tensor(2));
  write_in_place(self, out);
  c.ret(c[0]);
}

// --- where, nonzero

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  if (condition.dtype() != kBool && condition.dtype() != kByte) {
    throw RuntimeError(cat("where expected condition to be a boolean tensor, but got a tensor with dtype ",
                           dtype_cpp_name(condition.dtype())));
  }
  const ScalarType dtype = result_type({a, b});
  const std::array<Tensor, 3> operands = {condition, a.to(dtype), b.to(dtype)};
  const Tensor out = elementwise_result(operands, dtype);
  const auto* m = elements<uint8_t>(condition);
  const IntArrayRef sizes = out.sizes();
  dispatch_width(dtype, [&]<class T>(TypeTag<T>) {
    const T* x = elements<T>(operands[1]);
    const T* y = elements<T>(operands[2]);
    T* r = elements<T>(out);
    StridedLoop<4>(sizes, {strides_of(out), broadcast_strides(condition, sizes),
                           broadcast_strides(operands[1], sizes), broadcast_strides(operands[2], sizes)})
        .for_each_run([&](int64_t n, const auto& o, const auto& s) {
          for (int64_t i = 0; i < n; ++i) {
            r[o[0] + i * s[0]] = m[o[1] + i * s[1]] != 0 ? x[o[2] + i * s[2]] : y[o[3] + i * s[3]];
          }
        });
  });
  return out;
}

void where_op(OpCall& c) { c.ret(where(c.tensor(0), tensor_or_number(c[1]), tensor_or_number(c[2]))); }

std::vector<Tensor> nonzero_columns(const Tensor& t) {
  const Tensor found = nonzero(t.dim() == 0 ? t.unsqueeze(0) : t);
  std::vector<Tensor> out;
  for (int64_t d = 0; d < found.sizes()[1]; ++d) out.push_back(found.select(1, d));
  return out;
}
void nonzero_numpy(OpCall& c) { c.ret(nonzero_columns(c.tensor(0))); }

void argwhere(OpCall& c) {
  const Tensor x = c.tensor(0);
  c.ret(nonzero(x));
}

constexpr OpRow kMaskedOps[] = {
    {"aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", masked_fill},
    {"aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor", masked_fill},
    {"aten::masked_fill_.Scalar(Tensor(a!) self, Tensor mask, Scalar value) -> Tensor(a!)", masked_fill_},
    {"aten::masked_fill_.Tensor(Tensor(a!) self, Tensor mask, Tensor value) -> Tensor(a!)", masked_fill_},
    {"aten::masked_select(Tensor self, Tensor mask) -> Tensor", masked_select},
    {"aten::masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor", masked_scatter},
    {"aten::masked_scatter_(Tensor(a!) self, Tensor mask, Tensor source) -> Tensor(a!)", masked_scatter_},
    {"aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor", where_op},
    {"aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor", where_op},
    {"aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor", where_op},
    {"aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor", where_op},
    {"aten::where(Tensor condition) -> Tensor[]", nonzero_numpy},
    {"aten::nonzero(Tensor self) -> Tensor", unary_op<nonzero>},
    {"aten::nonzero_numpy(Tensor self) -> Tensor[]", nonzero_numpy},
    {"aten::argwhere(Tensor self) -> Tensor", argwhere},
};

}  // namespace

OpTable masked_ops() { return kMaskedOps; }

}  // namespace calque::ops
