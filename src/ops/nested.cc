#include "ops/nested.h"

#include <algorithm>

#include "base/text.h"
#include "ir/native_class.h"
#include "ops/join.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"

namespace calque::ops {

IValue nested_value(NestedTensor nested) {
  auto object = make_ref<ObjectImpl>();
  object->type = nested_tensor_type();
  object->slots.emplace_back(std::move(nested.rows));
  object->slots.emplace_back(Dims(nested.lengths.begin(), nested.lengths.end()));
  return IValue(std::move(object));
}

bool is_nested(const IValue& value) {
  const ObjectImpl* object = value.object_impl();
  return object != nullptr && object->type == nested_tensor_type();
}

NestedTensor nested_of(const IValue& value) {
  const ObjectImpl& object = *value.object_impl();
  const Dims lengths = object.slots[1].toIntVector();
  return {.rows = object.slots[0].toTensor(), .lengths = {lengths.begin(), lengths.end()}};
}

namespace {

struct MaskedLengths {
  std::vector<int64_t> lengths;  ///< true places of each row
  bool left_aligned = true;      ///< in every row, no true place stands after a false one
};

MaskedLengths lengths_of(const Tensor& padded, const Tensor& mask) {
  if (mask.dtype() != kBool) {
    throw RuntimeError(
        cat("Expected mask to be of ScalarType Bool, but got ", dtype_cpp_name(mask.dtype()), " instead."));
  }
  if (mask.dim() != 2) throw RuntimeError("Padding mask should be 2D");
  if (padded.dim() != 3) throw RuntimeError("Input should be a 3D tensor, N * L * D");
  const int64_t batch = mask.sizes()[0];
  const int64_t length = mask.sizes()[1];
  if (padded.sizes()[0] != batch || padded.sizes()[1] != length) {
    throw RuntimeError("Mask size should match input size");
  }
  if (length == 0) {
    throw IndexError(
        cat("select(): index -1 out of range for tensor of size [", batch, ", 0] at dimension 1"));
  }
  MaskedLengths out;
  const Tensor flat = mask.contiguous();
  for (int64_t i = 0; i < batch; ++i) {
    const uint8_t* row = elements<uint8_t>(flat) + i * length;
    const auto kept = static_cast<int64_t>(std::count(row, row + length, uint8_t{1}));
    out.lengths.push_back(kept);
    out.left_aligned = out.left_aligned && std::find(row, row + length, uint8_t{0}) == row + kept;
  }
  return out;
}

void from_mask(OpCall& c) {
  const Tensor padded = c.tensor(0);
  MaskedLengths masked = lengths_of(padded, c.tensor(1));
  if (c.boolean(2) && !masked.left_aligned) throw RuntimeError("Mask must be left-aligned without gaps");
  std::vector<Tensor> sequences;
  for (size_t i = 0; i < masked.lengths.size(); ++i) {
    sequences.push_back(padded.select(0, static_cast<int64_t>(i)).slice(0, 0, masked.lengths[i]));
  }
  if (sequences.empty()) sequences.push_back(padded.reshape(Dims{0, padded.sizes()[2]}));
  c.ret(nested_value({.rows = concatenate(sequences, 0), .lengths = std::move(masked.lengths)}));
}

void from_mask_left_aligned(OpCall& c) { c.ret(lengths_of(c.tensor(0), c.tensor(1)).left_aligned); }

/// Sizes of the result: those asked for, which may not be smaller than the sequences need.
Dims padded_sizes(const NestedTensor& nested, const IValue& wanted) {
  const int64_t longest = *std::max_element(nested.lengths.begin(), nested.lengths.end());
  Dims needed = {static_cast<int64_t>(nested.lengths.size()), longest, nested.rows.sizes()[1]};
  if (wanted.isNone()) return needed;
  Dims sizes = wanted.toIntVector();
  if (sizes.size() != needed.size()) {
    throw RuntimeError(
        "Length of output_size does not match NestedTensor dims. Broadcasting is not supported.");
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < needed[i]) {
      throw RuntimeError(
          "Value in output_size is less than NestedTensor padded size. Truncation is not supported.");
    }
  }
  return sizes;
}

void to_padded(OpCall& c) {
  if (!is_nested(c[0])) {
    c.tensor(0);
    throw NotImplementedError("to_padded_tensor: the tensor is not nested: every sequence has one length");
  }
  const NestedTensor nested = nested_of(c[0]);
  if (nested.rows.numel() == 0) {
    throw RuntimeError("to_padded_tensor: at least one constituent tensor should have non-zero numel");
  }
  const Tensor out = full(padded_sizes(nested, c[2]), c.scalar(1), nested.rows.dtype());
  int64_t at = 0;
  for (size_t i = 0; i < nested.lengths.size(); ++i) {
    const int64_t length = nested.lengths[i];
    const Tensor place =
        out.select(0, static_cast<int64_t>(i)).slice(0, 0, length).slice(1, 0, nested.rows.sizes()[1]);
    place.copy_(nested.rows.slice(0, at, at + length));
    at += length;
  }
  c.ret(out);
}

constexpr OpRow kNestedOps[] = {
    {"aten::_nested_tensor_from_mask(Tensor t, Tensor mask, bool mask_check=True) -> Tensor", from_mask},
    {"aten::_nested_tensor_from_mask_left_aligned(Tensor t, Tensor mask) -> bool", from_mask_left_aligned},
    {"aten::to_padded_tensor(Tensor self, float padding, SymInt[]? output_size=None) -> Tensor", to_padded},
};

}  // namespace

OpTable nested_ops() { return kNestedOps; }

}  // namespace calque::ops
