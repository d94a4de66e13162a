// Facts of tensors: sizes, dtype, device and the like.
#include "ops/nested.h"
#include "ops/options.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

void size(OpCall& c) { c.ret(to_dims(c.tensor(0).sizes())); }
void size_int(OpCall& c) { c.ret(c.tensor(0).size(c.integer(1))); }
void stride(OpCall& c) { c.ret(to_dims(c.tensor(0).strides())); }
void stride_int(OpCall& c) { c.ret(c.tensor(0).stride(c.integer(1))); }
void dim(OpCall& c) { c.ret(is_nested(c[0]) ? int64_t{3} : c.tensor(0).dim()); }
void numel(OpCall& c) { c.ret(c.tensor(0).numel()); }
void storage_offset(OpCall& c) { c.ret(c.tensor(0).storage_offset()); }
void element_size(OpCall& c) { c.ret(c.tensor(0).itemsize()); }
void nbytes(OpCall& c) { c.ret(c.tensor(0).nbytes()); }
void shape_as_tensor(OpCall& c) { c.ret(tensor(to_dims(c.tensor(0).sizes()))); }

void tensor_len(OpCall& c) {
  const Tensor t = c.tensor(0);
  if (t.dim() == 0) throw TypeError("len() of a 0-d tensor");
  c.ret(t.sizes()[0]);
}

void is_contiguous(OpCall& c) { c.ret(c.tensor(0).is_contiguous()); }
void is_contiguous_format(OpCall& c) {
  const Tensor t = c.tensor(0);
  const int64_t format = c.integer(1);
  const bool fits = !(format == 2 && t.dim() != 4) && !(format == 3 && t.dim() != 5);
  c.ret(fits && is_in_format(t, memory_format_of(c[1], t, MemoryFormat::kContiguous)));
}
void is_floating_point_op(OpCall& c) { c.ret(c.tensor(0).is_floating_point()); }
void is_complex_op(OpCall& c) { c.ret(is_complex(c.tensor(0).dtype())); }
void is_signed(OpCall& c) { c.ret(c.tensor(0).dtype() != kBool && c.tensor(0).dtype() != kByte); }
void is_same_size(OpCall& c) { c.ret(to_dims(c.tensor(0).sizes()) == to_dims(c.tensor(1).sizes())); }
void yes(OpCall& c) { c.ret(true); }
void no(OpCall& c) { c.ret(false); }
void is_nested_op(OpCall& c) { c.ret(is_nested(c[0])); }

/// The tensor itself, or what a nested one keeps its sequences in.
Tensor strided_part(const IValue& value) {
  return is_nested(value) ? nested_of(value).rows : value.toTensor();
}

void is_quantized(OpCall& c) { c.ret(static_cast<bool>(c.tensor(0).impl()->quantization)); }
void requires_grad(OpCall& c) { c.ret(strided_part(c[0]).requires_grad()); }
void get_device(OpCall& c) { c.ret(int64_t{-1}); }

void dtype(OpCall& c) { c.ret(static_cast<int64_t>(strided_part(c[0]).dtype())); }
void device(OpCall& c) {
  strided_part(c[0]);
  c.ret(IValue(Device{}));
}
void layout(OpCall& c) {
  c.tensor(0);
  c.ret(int64_t{0});
}

void result_type_op(OpCall& c) {
  c.ret(static_cast<int64_t>(result_type({tensor_or_number(c[0]), tensor_or_number(c[1])})));
}
void promote_types_op(OpCall& c) {
  c.ret(static_cast<int64_t>(
      promote_types(static_cast<ScalarType>(c.integer(0)), static_cast<ScalarType>(c.integer(1)))));
}
void can_cast_op(OpCall& c) {
  c.ret(can_cast(static_cast<ScalarType>(c.integer(0)), static_cast<ScalarType>(c.integer(1))));
}

void infer_size(OpCall& c) { c.ret(broadcast_shapes(c.ints(0), c.ints(1))); }

constexpr OpRow kTensorFactOps[] = {
    {"aten::size.int(Tensor self, int dim) -> int", size_int},
    {"aten::size(Tensor self) -> int[]", size},
    {"aten::sym_size.int(Tensor self, int dim) -> SymInt", size_int},
    {"aten::sym_size(Tensor self) -> SymInt[]", size},
    {"aten::stride.int(Tensor self, int dim) -> int", stride_int},
    {"aten::stride(Tensor self) -> int[]", stride},
    {"aten::dim(Tensor self) -> int", dim},
    {"aten::numel(Tensor self) -> int", numel},
    {"aten::storage_offset(Tensor self) -> int", storage_offset},
    {"aten::element_size(Tensor self) -> int", element_size},
    {"aten::_shape_as_tensor(Tensor self) -> Tensor", shape_as_tensor},
    {"aten::len.Tensor(Tensor t) -> int", tensor_len},
    {"aten::is_contiguous(Tensor self) -> bool", is_contiguous},
    {"aten::is_contiguous.memory_format(Tensor self, MemoryFormat memory_format) -> bool",
     is_contiguous_format},
    {"aten::is_floating_point(Tensor self) -> bool", is_floating_point_op},
    {"aten::is_complex(Tensor self) -> bool", is_complex_op},
    {"aten::is_signed(Tensor self) -> bool", is_signed},
    {"aten::is_same_size(Tensor self, Tensor other) -> bool", is_same_size},
    {"aten::is_leaf(Tensor self) -> bool", yes},
    {"aten::is_inference(Tensor self) -> bool", no},
    {"aten::is_neg(Tensor self) -> bool", no},
    {"aten::is_conj(Tensor self) -> bool", no},
    {"aten::get_device(Tensor self) -> int", get_device},
    {"aten::result_type.Tensor(Tensor tensor, Tensor other) -> ScalarType", result_type_op},
    {"aten::result_type.Scalar(Tensor tensor, Scalar other) -> ScalarType", result_type_op},
    {"aten::result_type.Scalar_Tensor(Scalar scalar, Tensor tensor) -> ScalarType", result_type_op},
    {"aten::result_type.Scalar_Scalar(Scalar scalar1, Scalar scalar2) -> ScalarType", result_type_op},
    {"aten::promote_types(ScalarType type1, ScalarType type2) -> ScalarType", promote_types_op},
    {"aten::can_cast(ScalarType from_, ScalarType to) -> bool", can_cast_op},
    {"aten::_infer_size(int[] a, int[] b) -> int[]", infer_size},
    {"aten::broadcast_shapes(int[] a, int[] b) -> int[]", infer_size},
    {"prim::dtype(Tensor a) -> int", dtype},
    {"prim::device(Tensor a) -> Device", device},
    {"prim::layout(Tensor a) -> Layout", layout},
    {"prim::itemsize(Tensor a) -> int", element_size},
    {"prim::nbytes(Tensor a) -> int", nbytes},
    {"prim::requires_grad(Tensor a) -> bool", requires_grad},
    {"prim::is_cpu(Tensor a) -> bool", yes},
    {"prim::is_cuda(Tensor a) -> bool", no},
    {"prim::is_meta(Tensor a) -> bool", no},
    {"prim::is_mps(Tensor a) -> bool", no},
    {"prim::is_xla(Tensor a) -> bool", no},
    {"prim::is_xpu(Tensor a) -> bool", no},
    {"prim::is_sparse(Tensor a) -> bool", no},
    {"prim::is_sparse_csr(Tensor a) -> bool", no},
    {"prim::is_mkldnn(Tensor a) -> bool", no},
    {"prim::is_nested(Tensor a) -> bool", is_nested_op},
    {"prim::is_quantized(Tensor a) -> bool", is_quantized},
};

}  // namespace

OpTable tensor_fact_ops() { return kTensorFactOps; }

}  // namespace calque::ops
