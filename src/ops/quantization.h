// Affine quantisation as PyTorch and fbgemm do it.
#pragma once

#include <cstdint>

#include "calque/tensor.h"

namespace calque::ops {

struct AffineQuantization {
  double scale = 1;
  int64_t zero_point = 0;
};

/// The smallest and the largest integer of qint8, quint8 or qint32.
struct QuantizedRange {
  int64_t low, high;
};
/// RuntimeError for other dtypes.
QuantizedRange quantized_range(ScalarType dtype);

/// Scale and zero point so that [min, max], widened to hold 0, maps onto [range.low, range.high].
/// RuntimeError with PyTorch's text unless min <= max. (ATen's quant_utils::ChooseQuantizationParams.)
AffineQuantization choose_quantization(float min, float max, QuantizedRange range, bool reduce_range);

/// The smallest and the largest of the floats of a contiguous tensor; NaN is passed over unless it comes
/// first.
struct FloatRange {
  float min = 0, max = 0;
};
FloatRange float_range(const Tensor& x);

/// A copy of the float tensor as integers of `dtype`, one scale for all.
Tensor quantize_per_tensor(const Tensor& x, const AffineQuantization& how, ScalarType dtype);

/// The floats that a quantised tensor stands for. RuntimeError when it has no scale.
Tensor dequantize(const Tensor& x);

/// How `x` is quantised. NotImplementedError naming `op` for tensors that are not.
const Quantization& quantization_of(const Tensor& x, const char* op);

/// The zero-copy view of a quantised tensor's integers: int8, uint8 or int32.
Tensor integers_of(const Tensor& x);

}  // namespace calque::ops
