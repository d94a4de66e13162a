// The weight of a Linear in low precision: what `calque::linear` takes in the place of a float weight.
#pragma once

#include <cstdint>
#include <optional>

#include "calque/ivalue.h"
#include "ops/fused.h"

namespace calque::ops {

/// Elements of a row that share a scale and a least value in 4 bits.
inline constexpr int64_t kInt4GroupSize = 32;

struct QuantizedWeight {
  Tensor values{};  ///< int8 or bfloat16 [n, k]; or uint8 [n, k / 2], two digits each, the first in the lower
                    ///< half
  std::optional<Tensor> scale{};  ///< of int8: float32 [n, 1]; of 4 bits: bfloat16 [n, k / 32, 1]
  std::optional<Tensor> least{};  ///< of 4 bits: as scale
  /// Of int8: float32 [k]. The input is multiplied by them and then quantised, too. Without, it stays
  /// float32.
  std::optional<Tensor> factors{};

  int64_t rows() const { return values.size(0); }
  int64_t depth() const { return values.dtype() == kUInt8 ? 2 * values.size(1) : values.size(1); }
  /// What its products are computed in.
  Arithmetic arithmetic() const;
};

/// Dtypes and sizes are as above, and kernels take them.
bool is_well_formed(const QuantizedWeight& weight);

/// As a constant of a plan, and back. TypeError for other values.
IValue to_value(const QuantizedWeight& weight);
QuantizedWeight quantized_weight(const IValue& value);

/// A float32 weight [n, k] in low precision; `factors` for Arithmetic::kInt8 only: column i is divided by
/// factors[i] first. 4 bits need k that is a multiple of kInt4GroupSize.
QuantizedWeight quantize_weight(const Tensor& weight, Arithmetic arithmetic,
                                const std::optional<Tensor>& factors = std::nullopt);

/// float32 [n, k]; its product is with the input multiplied by the factors.
Tensor dequantize_weight(const QuantizedWeight& weight);

}  // namespace calque::ops
