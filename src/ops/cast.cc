// Conversions between dtypes, copies, and values that leave a tensor.
#include <algorithm>

#include "base/text.h"
#include "ops/options.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

struct ToArguments {
  ScalarType dtype;
  bool copy = false;
  IValue memory_format{};
};

Tensor to(const Tensor& self, const ToArguments& args) {
  const MemoryFormat format = memory_format_of(args.memory_format, self, MemoryFormat::kPreserve);
  const bool same_layout = format == MemoryFormat::kPreserve || suggested_format(self) == format;
  if (!args.copy && self.dtype() == args.dtype && same_layout) return self;
  Tensor out = empty_in_format(self, args.dtype, format);
  out.copy_(self);
  return out;
}

void to_device(OpCall& c) {
  c.ret(to(c.tensor(0),
           {.dtype = static_cast<ScalarType>(c.integer(2)), .copy = c.boolean(4), .memory_format = c[5]}));
}
void to_dtype(OpCall& c) {
  c.ret(to(c.tensor(0),
           {.dtype = static_cast<ScalarType>(c.integer(1)), .copy = c.boolean(3), .memory_format = c[4]}));
}
void to_other(OpCall& c) {
  c.ret(to(c.tensor(0), {.dtype = c.tensor(1).dtype(), .copy = c.boolean(3), .memory_format = c[4]}));
}
void to_dtype_layout(OpCall& c) {
  const Tensor self = c.tensor(0);
  c.ret(to(self, {.dtype = dtype_option(c, 1, self.dtype()), .copy = c.boolean(6), .memory_format = c[7]}));
}
void to_copy(OpCall& c) {
  const Tensor self = c.tensor(0);
  c.ret(to(self, {.dtype = dtype_option(c, 1, self.dtype()), .copy = true, .memory_format = c[6]}));
}
void to_prim_device(OpCall& c) {
  const Tensor self = c.tensor(0);
  c.ret(to(self, {.dtype = c.optional_dtype(2).value_or(self.dtype()), .copy = c.boolean(4)}));
}
void to_prim_dtype(OpCall& c) {
  const Tensor self = c.tensor(0);
  c.ret(to(self, {.dtype = c.optional_dtype(1).value_or(self.dtype()), .copy = c.boolean(3)}));
}
void to_prim_other(OpCall& c) {
  const Tensor self = c.tensor(0);
  c.ret(to(self, {.dtype = self.dtype(), .copy = c.boolean(2)}));
}
void type_as(OpCall& c) { c.ret(c.tensor(0).to(c.tensor(1).dtype())); }
void cpu(OpCall& c) { c.ret(c[0]); }

Tensor copy_in_format(const Tensor& self, MemoryFormat format) {
  Tensor out = empty_in_format(self, self.dtype(), format);
  out.impl()->quantization = self.impl()->quantization;
  out.copy_(self);
  return out;
}

void contiguous(OpCall& c) {
  const Tensor self = c.tensor(0);
  const MemoryFormat format = memory_format_of(c[1], self, MemoryFormat::kContiguous);
  if (format == MemoryFormat::kPreserve) {
    throw RuntimeError("preserve memory format is unsupported by the contiguous operator");
  }
  if (is_in_format(self, format)) return c.ret(c[0]);
  c.ret(copy_in_format(self, format));
}

void clone(OpCall& c) {
  const Tensor self = c.tensor(0);
  const MemoryFormat format = memory_format_of(c[1], self, MemoryFormat::kPreserve);
  if (format == MemoryFormat::kPreserve) return c.ret(self.clone());
  c.ret(copy_in_format(self, format));
}

void copy_(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor source = tensor_or_number(c[1]);
  if (!self.is_same(source)) {
    check_no_internal_overlap(self);
    check_no_partial_overlap(self, source);
    self.copy_(source);
  }
  c.ret(c[0]);
}

void copy(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor out = empty_like(self, self.dtype());
  out.copy_(c.tensor(1));
  c.ret(out);
}

Scalar item_of(const Tensor& t) { return t.item(); }

void item(OpCall& c) { c.ret(IValue(item_of(c.tensor(0)))); }

void to_int(OpCall& c) { c.ret(item_of(c.tensor(0)).to_int()); }
void to_float(OpCall& c) { c.ret(item_of(c.tensor(0)).to_double()); }
void to_bool(OpCall& c) {
  const Tensor t = c.tensor(0);
  if (t.numel() == 0) throw RuntimeError("Boolean value of Tensor with no values is ambiguous");
  if (t.numel() > 1) throw RuntimeError("Boolean value of Tensor with more than one value is ambiguous");
  c.ret(item_of(t).to_bool());
}

/// Implicit conversion of an argument: one value, no dimension, and for int an integer dtype.
void check_implicit(const Tensor& t, bool to_integer) {
  if (t.requires_grad()) {
    throw RuntimeError("Cannot input a tensor that requires grad as a scalar argument");
  }
  if (t.dim() != 0)
    throw RuntimeError("Cannot input a tensor of dimension other than 0 as a scalar argument");
  if (to_integer && (t.dtype() == kBool || !is_integral(t.dtype()))) {
    throw RuntimeError(
        cat("Cannot input a tensor of type ", dtype_cpp_name(t.dtype()), " as an integral argument"));
  }
}

void int_implicit(OpCall& c) {
  check_implicit(c.tensor(0), /*to_integer=*/true);
  c.ret(item_of(c.tensor(0)).to_int());
}
void float_implicit(OpCall& c) {
  check_implicit(c.tensor(0), /*to_integer=*/false);
  c.ret(item_of(c.tensor(0)).to_double());
}
void scalar_implicit(OpCall& c) {
  check_implicit(c.tensor(0), /*to_integer=*/false);
  c.ret(IValue(item_of(c.tensor(0))));
}

/// The 0-dim tensor of a number: int64, float64 or bool.
void num_to_tensor(OpCall& c) {
  const Tensor t = number_tensor(c.scalar(0));
  t.impl()->wrapped_number = false;
  c.ret(t);
}

Tensor alias(const Tensor& t) {
  return make_view(t, to_dims(t.sizes()), to_dims(t.strides()), t.storage_offset());
}

void same(OpCall& c) { c.ret(c[0]); }

/// Real tensors as they are.
void conj(OpCall& c) {
  if (is_complex(c.tensor(0).dtype())) throw_not_implemented("conj", c.tensor(0).dtype());
  c.ret(c[0]);
}

void requires_grad_(OpCall& c) {
  if (c.boolean(1) && !c.tensor(0).is_floating_point()) {
    throw RuntimeError("Only Tensors of floating point and complex dtype can require gradients");
  }
  c.ret(c[0]);
}

void copy_number_(OpCall& c) {
  c.tensor(0).fill_(c.scalar(1));
  c.ret(c[0]);
}

constexpr OpRow kCastOps[] = {
    {"aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool "
     "copy=False, MemoryFormat? memory_format=None) -> Tensor(a)",
     to_device},
    {"aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, "
     "MemoryFormat? memory_format=None) -> Tensor(a)",
     to_dtype},
    {"aten::to.other(Tensor(a) self, Tensor other, bool non_blocking=False, bool copy=False, MemoryFormat? "
     "memory_format=None) -> Tensor(a)",
     to_other},
    {"aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None, bool non_blocking=False, bool copy=False, MemoryFormat? "
     "memory_format=None) -> Tensor(a)",
     to_dtype_layout},
    {"aten::to.prim_Device(Tensor(a) self, Device? device, int? dtype=None, bool non_blocking=False, bool "
     "copy=False) -> Tensor(b|a)",
     to_prim_device},
    {"aten::to.prim_dtype(Tensor(a) self, int? dtype=None, bool non_blocking=False, bool copy=False) -> "
     "Tensor(b|a)",
     to_prim_dtype},
    {"aten::to.prim_other(Tensor(a) self, bool non_blocking=False, bool copy=False) -> Tensor(b|a)",
     to_prim_other},
    {"aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor",
     to_copy},
    {"aten::type_as(Tensor self, Tensor other) -> Tensor", type_as},
    {"aten::cpu(Tensor(a) self) -> Tensor(b|a)", cpu},
    {"aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)", contiguous},
    {"aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor", clone},
    {"aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)", copy_},
    {"aten::copy_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", copy_},
    {"aten::copy_.int(Tensor(a!) self, int other) -> Tensor(a!)", copy_number_},
    {"aten::copy_.float(Tensor(a!) self, float other) -> Tensor(a!)", copy_number_},
    {"aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor", copy},
    {"aten::detach(Tensor(a) self) -> Tensor(a)", unary_op<alias>},
    {"aten::detach_(Tensor(a!) self) -> Tensor(a!)", same},
    {"aten::alias(Tensor(a) self) -> Tensor(a)", unary_op<alias>},
    {"aten::lift_fresh(Tensor(a) self) -> Tensor(a)", same},
    {"aten::requires_grad_(Tensor(a!) self, bool requires_grad=True) -> Tensor(a!)", requires_grad_},
    {"aten::conj(Tensor(a) self) -> Tensor(a)", conj},
    {"aten::resolve_conj(Tensor(a) self) -> Tensor(a)", same},
    {"aten::resolve_neg(Tensor(a) self) -> Tensor(a)", same},
    {"prim::data(Tensor(a) a) -> Tensor(a)", unary_op<alias>},
    {"aten::item(Tensor self) -> Scalar", item},
    {"aten::Int.Tensor(Tensor a) -> int", to_int},
    {"aten::Float.Tensor(Tensor a) -> float", to_float},
    {"aten::Bool.Tensor(Tensor a) -> bool", to_bool},
    {"aten::is_nonzero(Tensor self) -> bool", to_bool},
    {"aten::IntImplicit(Tensor a) -> int", int_implicit},
    {"aten::FloatImplicit(Tensor a) -> float", float_implicit},
    {"aten::ScalarImplicit(Tensor a) -> Scalar", scalar_implicit},
    {"prim::NumToTensor.Scalar(Scalar a) -> Tensor", num_to_tensor},
    {"prim::NumToTensor.bool(bool a) -> Tensor", num_to_tensor},
};

}  // namespace

OpTable cast_ops() { return kCastOps; }

}  // namespace calque::ops
