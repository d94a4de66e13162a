// The dtype, layout, device, pin_memory and memory_format arguments of operators that make tensors. Devices
// are read and ignored: everything runs on the CPU.
#pragma once

#include <optional>

#include "calque/tensor.h"
#include "ops/operator.h"

namespace calque::ops {

/// `dtype` at argument i, `layout` at i + 1. NotImplementedError for layouts other than strided.
ScalarType dtype_option(const OpCall& c, size_t i, ScalarType fallback);

/// NotImplementedError unless the layout is absent or strided.
void check_strided(const IValue& layout);

/// A memory_format argument.
enum class MemoryFormat { kContiguous = 0, kPreserve = 1, kChannelsLast = 2, kChannelsLast3d = 3 };
/// `fallback` when the value is None. RuntimeError for other numbers, and for ranks that a format does not
/// fit.
MemoryFormat memory_format_of(const IValue& value, const Tensor& t, MemoryFormat fallback);

/// Uninitialised tensor of t's shape in that format.
Tensor empty_in_format(const Tensor& t, ScalarType dtype, MemoryFormat format);
bool is_in_format(const Tensor& t, MemoryFormat format);
/// Channels last when t is laid out so, else contiguous.
MemoryFormat suggested_format(const Tensor& t);

}  // namespace calque::ops
