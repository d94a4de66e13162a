#include "ops/options.h"

#include <algorithm>

#include "base/text.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// Strides with dimension 1 innermost.
Dims channels_last_strides(IntArrayRef sizes) {
  Dims out(sizes.size());
  int64_t stride = 1;
  const auto place = [&](size_t d) {
    out[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  };
  place(1);
  for (size_t d = sizes.size(); d-- > 2;) place(d);
  place(0);
  return out;
}

Dims format_strides(const Tensor& t, MemoryFormat format) {
  if (format == MemoryFormat::kChannelsLast || format == MemoryFormat::kChannelsLast3d) {
    return channels_last_strides(t.sizes());
  }
  return contiguous_strides(t.sizes());
}

}  // namespace

void check_strided(const IValue& layout) {
  if (layout.isNone() || layout.toInt() == 0) return;
  throw NotImplementedError(
      cat("layout number ", layout.toInt(), " is not supported; only strided tensors (0) are"));
}

ScalarType dtype_option(const OpCall& c, size_t i, ScalarType fallback) {
  check_strided(c[i + 1]);
  return c.optional_dtype(i).value_or(fallback);
}

MemoryFormat memory_format_of(const IValue& value, const Tensor& t, MemoryFormat fallback) {
  if (value.isNone()) return fallback;
  const int64_t number = value.toInt();
  if (number == 2 && t.dim() != 4) throw RuntimeError("required rank 4 tensor to use channels_last format");
  if (number == 3 && t.dim() != 5)
    throw RuntimeError("required rank 5 tensor to use channels_last_3d format");
  if (number < 0 || number > 3) throw RuntimeError(cat("Unsupported memory format ", number));
  return static_cast<MemoryFormat>(number);
}

Tensor empty_in_format(const Tensor& t, ScalarType dtype, MemoryFormat format) {
  if (format == MemoryFormat::kPreserve) return empty_like(t, dtype);
  return empty_strided(t.sizes(), format_strides(t, format), dtype);
}

MemoryFormat suggested_format(const Tensor& t) {
  if (t.is_contiguous()) return MemoryFormat::kContiguous;
  for (const auto& [rank, format] :
       {std::pair{4, MemoryFormat::kChannelsLast}, {5, MemoryFormat::kChannelsLast3d}}) {
    if (t.dim() == rank && is_in_format(t, format)) return format;
  }
  return MemoryFormat::kContiguous;
}

bool is_in_format(const Tensor& t, MemoryFormat format) {
  if (format == MemoryFormat::kPreserve || format == MemoryFormat::kContiguous) return t.is_contiguous();
  const Dims wanted = format_strides(t, format);
  for (size_t d = 0; d < wanted.size(); ++d) {
    if (t.sizes()[d] != 1 && t.strides()[d] != wanted[d]) return false;
  }
  return true;
}

}  // namespace calque::ops
