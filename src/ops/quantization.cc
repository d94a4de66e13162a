#include "ops/quantization.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/loops.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// The dtype of the integers that a quantised dtype holds.
ScalarType integer_dtype(ScalarType dtype) {
  if (dtype == ScalarType::QInt8) return kChar;
  return dtype == ScalarType::QUInt8 ? kByte : kInt;
}

void check_float(const Tensor& x) {
  if (x.dtype() != kFloat)
    throw RuntimeError(cat("Quantize only works on Float Tensor, got ", dtype_cpp_name(x.dtype())));
}

template <class T>
T quantized(float value, float inverse, int64_t zero_point) {
  constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
  if (std::isnan(value))
    return sizeof(T) == 1 ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
  const double moved = static_cast<double>(std::nearbyint(value * inverse)) + static_cast<double>(zero_point);
  return std::isnan(moved) ? T{0} : static_cast<T>(std::clamp(moved, kLow, kHigh));
}

}  // namespace

QuantizedRange quantized_range(ScalarType dtype) {
  switch (dtype) {
    case ScalarType::QInt8:
      return {-128, 127};
    case ScalarType::QUInt8:
      return {0, 255};
    case ScalarType::QInt32:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default:
      throw RuntimeError(cat("ScalarType ", dtype_cpp_name(dtype), " is not supported in new_qtensor."));
  }
}

AffineQuantization choose_quantization(float min, float max, QuantizedRange range, bool reduce_range) {
  constexpr float kSmallestScale = 6.1e-5F;
  if (!(min <= max)) {
    throw RuntimeError("In ChooseQuantizationParams, min should be less than or equal to max");
  }
  const auto low = static_cast<double>(reduce_range ? range.low / 2 : range.low);
  const auto high = static_cast<double>(reduce_range ? range.high / 2 : range.high);
  min = std::min(min, 0.0F);
  max = std::max(max, 0.0F);
  double scale = (static_cast<double>(max) - min) / (high - low);
  const auto narrow = static_cast<float>(scale);
  if (narrow == 0.0F || std::isinf(1.0F / narrow)) scale = 0.1;
  if (scale < kSmallestScale) {
    const auto before = static_cast<float>(scale);
    scale = kSmallestScale;
    const auto reach = static_cast<float>(kSmallestScale * (high - low));
    if (min == 0.0F) {
      max = reach;
    } else if (max == 0.0F) {
      min = -reach;
    } else {
      min *= kSmallestScale / before;
      max *= kSmallestScale / before;
    }
  }
  const double from_min = low - min / scale;
  const double from_max = high - max / scale;
  const double error_of_min = std::abs(low) - std::abs(min / scale);
  const double error_of_max = std::abs(high) - std::abs(max / scale);
  const double zero_point = error_of_min < error_of_max ? from_min : from_max;
  const double nudged = std::isnan(zero_point) ? low : std::clamp(std::nearbyint(zero_point), low, high);
  return {.scale = scale, .zero_point = static_cast<int64_t>(nudged)};
}

FloatRange float_range(const Tensor& tensor) {
  const int64_t n = tensor.numel();
  if (n == 0) return {};
  const auto* p = elements<float>(tensor);
  // Lanes that do not depend on each other become vectors.
  constexpr int64_t kLanes = 16;
  std::array<float, kLanes> min;
  std::array<float, kLanes> max;
  min.fill(p[0]);
  max.fill(p[0]);
  const auto take = [&](const float* x, size_t lane) {
    min[lane] = x[lane] < min[lane] ? x[lane] : min[lane];
    max[lane] = x[lane] > max[lane] ? x[lane] : max[lane];
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) take(p + i, lane);
  }
  for (size_t lane = 0; i + static_cast<int64_t>(lane) < n; ++lane) take(p + i, lane);
  FloatRange out{.min = min[0], .max = max[0]};
  for (size_t lane = 1; lane < kLanes; ++lane) {
    out.min = min[lane] < out.min ? min[lane] : out.min;
    out.max = max[lane] > out.max ? max[lane] : out.max;
  }
  return out;
}

Tensor quantize_per_tensor(const Tensor& x, const AffineQuantization& how, ScalarType dtype) {
  const QuantizedRange range = quantized_range(dtype);
  check_float(x);
  if (how.zero_point > range.high) {
    throw RuntimeError(
        cat("quantize_tensor_per_tensor_affine zero_point ", how.zero_point, " is above upper bound."));
  }
  if (how.zero_point < range.low) {
    throw RuntimeError(
        cat("quantize_tensor_per_tensor_affine zero_point ", how.zero_point, " is below lower bound."));
  }
  Tensor out = empty_like(x, dtype);
  auto quantization = make_ref<Quantization>();
  quantization->scales = {how.scale};
  quantization->zero_points = {how.zero_point};
  const float inverse = 1.0F / static_cast<float>(how.scale);
  dispatch_integral(integer_dtype(dtype), "quantize_per_tensor", [&]<class T>(TypeTag<T>) {
    map_unary<T, float>(out, x, [&](float value) { return quantized<T>(value, inverse, how.zero_point); });
  });
  out.impl()->quantization = std::move(quantization);
  return out;
}

const Quantization& quantization_of(const Tensor& x, const char* op) {
  const Ref<Quantization>& found = x.impl()->quantization;
  if (found) return *found;
  throw NotImplementedError(
      cat("Could not run '", op, "' on a tensor of dtype ", dtype_name(x.dtype()), ": it is not quantised"));
}

Tensor integers_of(const Tensor& x) {
  return from_storage(x.storage(), x.storage_offset(), x.sizes(), x.strides(), integer_dtype(x.dtype()));
}

Tensor dequantize(const Tensor& x) {
  const Quantization& how = quantization_of(x, "aten::dequantize");
  const Tensor integers = integers_of(x);
  const Tensor out = empty_like(x, kFloat);
  // One slice for each scale.
  const int64_t channels = static_cast<int64_t>(how.scales.size());
  for (int64_t i = 0; i < channels; ++i) {
    const Tensor from = how.axis < 0 ? integers : integers.select(how.axis, i);
    const Tensor to = how.axis < 0 ? out : out.select(how.axis, i);
    const auto scale = static_cast<float>(how.scales[static_cast<size_t>(i)]);
    const int64_t zero_point = how.zero_points[static_cast<size_t>(i)];
    dispatch_integral(integers.dtype(), "dequantize", [&]<class T>(TypeTag<T>) {
      map_unary<float, T>(to, from, [&](T q) { return static_cast<float>(int64_t{q} - zero_point) * scale; });
    });
  }
  return out;
}

}  // namespace calque::ops
