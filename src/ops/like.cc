// Tensors made after the pattern of another, or from lists of numbers; filling.
#include "base/text.h"
#include "ops/options.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// A tensor of self's shape filled with `value`; options begin at argument i.
Tensor filled_like(const OpCall& c, size_t i, const Scalar& value) {
  const Tensor self = c.tensor(0);
  const ScalarType dtype = dtype_option(c, i, self.dtype());
  Tensor out = empty_in_format(self, dtype, memory_format_of(c[i + 4], self, MemoryFormat::kPreserve));
  out.fill_(value);
  return out;
}

void zeros_like(OpCall& c) { c.ret(filled_like(c, 1, Scalar(0))); }
void ones_like(OpCall& c) { c.ret(filled_like(c, 1, Scalar(1))); }
void full_like(OpCall& c) { c.ret(filled_like(c, 2, c.scalar(1))); }

void new_zeros(OpCall& c) { c.ret(zeros(c.ints(1), dtype_option(c, 2, c.tensor(0).dtype()))); }
void new_ones(OpCall& c) { c.ret(ones(c.ints(1), dtype_option(c, 2, c.tensor(0).dtype()))); }
void new_full(OpCall& c) { c.ret(full(c.ints(1), c.scalar(2), dtype_option(c, 3, c.tensor(0).dtype()))); }

void fill_scalar_(OpCall& c) {
  c.tensor(0).fill_(c.scalar(1));
  c.ret(c[0]);
}

Scalar fill_value(const Tensor& value) {
  if (value.dim() != 0) {
    throw RuntimeError(cat("fill_ only supports 0-dimension value tensor but got tensor with ", value.dim(),
                           " dimensions."));
  }
  return value.item();
}

void fill_tensor_(OpCall& c) {
  check_no_internal_overlap(c.tensor(0));
  c.tensor(0).fill_(fill_value(c.tensor(1)));
  c.ret(c[0]);
}

Tensor filled(const Tensor& self, const Scalar& value) {
  Tensor out = empty_like(self, self.dtype());
  out.fill_(value);
  return out;
}
void fill_scalar(OpCall& c) { c.ret(filled(c.tensor(0), c.scalar(1))); }
void fill_tensor(OpCall& c) { c.ret(filled(c.tensor(0), fill_value(c.tensor(1)))); }
void zero(OpCall& c) { c.ret(filled(c.tensor(0), Scalar(0))); }
void zero_(OpCall& c) {
  c.tensor(0).fill_(Scalar(0));
  c.ret(c[0]);
}

// --- torch.tensor of numbers and nested lists

/// requires_grad is an argument of torch.tensor only; nothing is differentiated here.
void check_requires_grad(const OpCall& c, ScalarType dtype) {
  if (c.size() > 3 && c.boolean(3) && !is_floating_point(dtype)) {
    throw RuntimeError("Only Tensors of floating point and complex dtype can require gradients");
  }
}

void tensor_number(OpCall& c) {
  const Tensor t = tensor(c.scalar(0));
  const ScalarType dtype = c.optional_dtype(1).value_or(t.dtype());
  check_requires_grad(c, dtype);
  c.ret(t.to(dtype));
}

void as_tensor(OpCall& c) { c.ret(c.tensor(0).to(c.optional_dtype(1).value_or(c.tensor(0).dtype()))); }

/// The dtype of a list's innermost element type.
ScalarType dtype_of_list(const ListImpl& list) {
  const Type* type = list.element_type.get();
  while (type->kind() == TypeKind::List) type = type->contained()[0].get();
  switch (type->kind()) {
    case TypeKind::Int:
      return kLong;
    case TypeKind::Bool:
      return kBool;
    case TypeKind::Float:
      return kFloat;
    default:
      throw RuntimeError(cat("Input must be of ints, floats, or bools, got ", type->annotation()));
  }
}

Dims sizes_of_list(const IValue& value) {
  Dims sizes;
  const IValue* at = &value;
  while (at->isList()) {
    const std::vector<IValue>& items = at->list_impl()->items;
    sizes.push_back(static_cast<int64_t>(items.size()));
    if (items.empty()) break;
    at = &items[0];
  }
  return sizes;
}

template <class T>
void store_list(const IValue& value, IntArrayRef sizes, size_t dim, T*& out) {
  if (dim == sizes.size()) {
    *out++ = Element<T>::store(scalar_to<OpType<T>>(value.toScalar()));
    return;
  }
  const Ref<ListImpl> list = value.toListRef();
  const std::vector<IValue>& items = list->items;
  if (static_cast<int64_t>(items.size()) != sizes[dim]) {
    throw RuntimeError(
        cat("Expected sequence of length ", sizes[dim], " at dim ", dim, " (got ", items.size(), ")"));
  }
  for (const IValue& item : items) store_list(item, sizes, dim + 1, out);
}

void tensor_list(OpCall& c) {
  if (!c[0].isList()) throw TypeError(cat("tensor() expects a list or a number, found ", c[0].type_name()));
  const ScalarType dtype = c.optional_dtype(1).value_or(dtype_of_list(*c[0].list_impl()));
  check_requires_grad(c, dtype);
  const Dims sizes = sizes_of_list(c[0]);
  Tensor out = empty(sizes, dtype);
  dispatch_all(dtype, "tensor", [&]<class T>(TypeTag<T>) {
    T* at = elements<T>(out);
    if (out.numel() > 0) store_list(c[0], sizes, 0, at);
  });
  c.ret(out);
}

constexpr OpRow kLikeOps[] = {
    {"aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
     "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     zeros_like},
    {"aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
     "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     ones_like},
    {"aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, "
     "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     full_like},
    {"aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
     "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     zeros_like},
    {"aten::new_zeros(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     new_zeros},
    {"aten::new_ones(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     new_ones},
    {"aten::new_full(Tensor self, SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? "
     "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
     new_full},
    {"aten::new_empty(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     new_zeros},
    {"aten::fill.Scalar(Tensor self, Scalar value) -> Tensor", fill_scalar},
    {"aten::fill.Tensor(Tensor self, Tensor value) -> Tensor", fill_tensor},
    {"aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)", fill_scalar_},
    {"aten::fill_.Tensor(Tensor(a!) self, Tensor value) -> Tensor(a!)", fill_tensor_},
    {"aten::zero(Tensor self) -> Tensor", zero},
    {"aten::zero_(Tensor(a!) self) -> Tensor(a!)", zero_},
    {"aten::tensor.bool(bool t, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False) -> "
     "Tensor",
     tensor_number},
    {"aten::tensor.float(float t, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False) "
     "-> Tensor",
     tensor_number},
    {"aten::tensor.int(int t, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False) -> "
     "Tensor",
     tensor_number},
    {"aten::tensor(t[] data, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False) -> "
     "Tensor",
     tensor_list},
    {"aten::as_tensor.bool(bool t, *, ScalarType? dtype=None, Device? device=None) -> Tensor", tensor_number},
    {"aten::as_tensor.float(float t, *, ScalarType? dtype=None, Device? device=None) -> Tensor",
     tensor_number},
    {"aten::as_tensor.int(int t, *, ScalarType? dtype=None, Device? device=None) -> Tensor", tensor_number},
    {"aten::as_tensor(Tensor(a) data, *, ScalarType? dtype=None, Device? device=None) -> Tensor(b|a)",
     as_tensor},
    {"aten::as_tensor.list(t[] data, *, ScalarType? dtype=None, Device? device=None) -> Tensor", tensor_list},
};

}  // namespace

OpTable like_ops() { return kLikeOps; }

}  // namespace calque::ops
