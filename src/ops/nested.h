// Sequences of different lengths in one value: the nested tensor that nn.TransformerEncoder makes from a
// padded batch and its mask.
#pragma once

#include <vector>

#include "calque/ivalue.h"

namespace calque::ops {

/// Sequence i is `rows` lengths[0] + … + lengths[i - 1] and the lengths[i] after it.
struct NestedTensor {
  Tensor rows;  ///< [sum of lengths, d], contiguous
  std::vector<int64_t> lengths;
};

/// Programs hold it where their types say Tensor; only the operators that know of it take it, the others
/// refuse it as a value of another type. No archive can hold one.
IValue nested_value(NestedTensor nested);
bool is_nested(const IValue& value);
/// Of a value for which is_nested holds.
NestedTensor nested_of(const IValue& value);

}  // namespace calque::ops
