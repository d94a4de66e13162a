// What operators share: type promotion, numbers as tensors, results written in place, argument rules.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "calque/tensor.h"
#include "ops/operator.h"

namespace calque::ops {

/// A number as the 0-dim tensor that stands for it in type promotion.
Tensor number_tensor(const Scalar& value);

/// The dtype that an element-wise operator computes in (torch.result_type): tensors with dimensions outweigh
/// 0-dim ones, and those outweigh numbers, within a category.
ScalarType result_type(std::span<const Tensor> operands);
inline ScalarType result_type(std::initializer_list<Tensor> operands) {
  return result_type(std::span(operands.begin(), operands.size()));
}

/// float32 for integers and bool, else the dtype itself.
ScalarType float_type_of(ScalarType dtype);

/// May a result of dtype `from` be written into a tensor of dtype `to` (torch.can_cast)?
bool can_cast(ScalarType from, ScalarType to);

/// Writes `result` into `self` for an in-place operator. RuntimeError with PyTorch's text when the shape
/// grows, the dtype does not fit, or memory overlaps. `read` are the operands that were read.
void write_in_place(const Tensor& self, const Tensor& result, std::initializer_list<Tensor> read = {});

/// The dimensions of a reduction, wrapped; all of them when `dims` is empty. RuntimeError for duplicates.
std::vector<bool> dim_mask(IntArrayRef dims, int64_t rank);

/// Sizes of a reduction's result.
Dims reduced_sizes(IntArrayRef sizes, const std::vector<bool>& reduced, bool keepdim);

/// Product of the sizes, 1 for none.
int64_t product(IntArrayRef sizes);

/// A list of ints that may be absent: empty when None.
Dims ints_or_empty(const IValue& value);

/// Reads a memory_format argument. NotImplementedError unless it is absent, contiguous or preserve.
void check_memory_format(const IValue& value);

inline Dims to_dims(IntArrayRef values) { return {values.begin(), values.end()}; }

/// An operator of one tensor as a row's function: out of place, and in place.
using TensorFunction = Tensor (*)(const Tensor&);
template <TensorFunction F>
void unary_op(OpCall& c) {
  c.ret(F(c.tensor(0)));
}
template <TensorFunction F>
void unary_op_(OpCall& c) {
  const Tensor self = c.tensor(0);
  write_in_place(self, F(self));
  c.ret(c[0]);
}

/// An operator of two tensors, of which the second may be given as a number.
using BinaryFunction = Tensor (*)(const Tensor&, const Tensor&);
Tensor tensor_or_number(const IValue& value);
template <BinaryFunction F>
void binary_op(OpCall& c) {
  c.ret(F(tensor_or_number(c[0]), tensor_or_number(c[1])));
}
template <BinaryFunction F>
void binary_op_(OpCall& c) {
  const Tensor self = c.tensor(0);
  const Tensor other = tensor_or_number(c[1]);
  write_in_place(self, F(self, other), {other});
  c.ret(c[0]);
}

}  // namespace calque::ops
