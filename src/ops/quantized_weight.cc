#include "ops/quantized_weight.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/threads.h"
#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_int8/quantize_column.h"
#include "kernels/gemm_weights/int4_fit.h"
#include "ops/arithmetic.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

static_assert(kInt4GroupSize == kernels::kInt4Group);

bool has_form(const std::optional<Tensor>& tensor, ScalarType dtype, const Dims& sizes) {
  return tensor && tensor->dtype() == dtype && tensor->is_contiguous() &&
         std::ranges::equal(tensor->sizes(), sizes);
}

IValue optional_value(const std::optional<Tensor>& tensor) { return tensor ? IValue(*tensor) : IValue(); }

std::optional<Tensor> optional_tensor(const IValue& value) {
  return value.isNone() ? std::nullopt : std::optional(value.toTensor());
}

QuantizedWeight quantize_bytes(const Tensor& weight, const std::optional<Tensor>& factors) {
  const int64_t n = weight.size(0), k = weight.size(1);
  QuantizedWeight out{.values = empty({n, k}, kChar), .scale = empty({n, 1}, kFloat), .factors = factors};
  const float* const from = weight.data_ptr<float>();
  const float* const divisors = factors ? factors->data_ptr<float>() : nullptr;
  auto* const to = elements<int8_t>(out.values);
  auto* const scales = elements<float>(*out.scale);
  parallel_for(0, n, 16, [&](int64_t lo, int64_t hi) {
    for (int64_t j = lo; j < hi; ++j)
      scales[j] = kernels::quantize_column({k, from + j * k, 1, divisors}, to + j * k);
  });
  return out;
}

QuantizedWeight quantize_digits(const Tensor& weight) {
  const int64_t n = weight.size(0), groups = weight.size(1) / kInt4GroupSize;
  check(groups * kInt4GroupSize == weight.size(1), "quantize_weight: 4 bits take whole groups");
  QuantizedWeight out{.values = empty({n, groups * kInt4GroupSize / 2}, kUInt8),
                      .scale = empty({n, groups, 1}, kBFloat16),
                      .least = empty({n, groups, 1}, kBFloat16)};
  auto* const digits = elements<uint8_t>(out.values);
  auto* const scale = elements<BFloat16>(*out.scale);
  auto* const least = elements<BFloat16>(*out.least);
  const float* const from = weight.data_ptr<float>();
  parallel_for(0, n * groups, 64, [&](int64_t lo, int64_t hi) {
    for (int64_t g = lo; g < hi; ++g) {
      const kernels::Int4Fit fit = kernels::fit_int4(kInt4GroupSize, from + g * kInt4GroupSize, 1);
      scale[g].bits = static_cast<uint16_t>(fit.header);
      least[g].bits = static_cast<uint16_t>(fit.header >> 16);
      for (int64_t i = 0; i < kInt4GroupSize; i += 2) {
        digits[(g * kInt4GroupSize + i) / 2] =
            static_cast<uint8_t>(fit.digits[i] | static_cast<uint8_t>(fit.digits[i + 1] << 4));
      }
    }
  });
  return out;
}

Tensor dequantize_digits(const QuantizedWeight& weight) {
  Tensor out = empty({weight.rows(), weight.depth()}, kFloat);
  const auto* const digits = elements<uint8_t>(weight.values);
  const auto* const scale = elements<BFloat16>(*weight.scale);
  const auto* const least = elements<BFloat16>(*weight.least);
  float* const to = out.data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int64_t g = i / kInt4GroupSize;
    const int digit = i % 2 == 0 ? digits[i / 2] & 15 : digits[i / 2] >> 4;
    to[i] = static_cast<float>(digit) * bfloat16_to_float(scale[g].bits) + bfloat16_to_float(least[g].bits);
  }
  return out;
}

}  // namespace

Arithmetic QuantizedWeight::arithmetic() const {
  if (values.dtype() == kUInt8) return Arithmetic::kInt4Weights;
  if (values.dtype() == kBFloat16) return Arithmetic::kBFloat16;
  return factors ? Arithmetic::kInt8 : Arithmetic::kInt8Weights;
}

bool is_well_formed(const QuantizedWeight& weight) {
  if (weight.values.dim() != 2 || !weight.values.is_contiguous() || weight.values.numel() == 0) return false;
  const int64_t n = weight.rows(), k = weight.depth();
  switch (weight.values.dtype()) {
    case kBFloat16:
      return !weight.scale && !weight.least && !weight.factors;
    case kUInt8: {
      const Dims groups = {n, k / kInt4GroupSize, 1};
      return k % kInt4GroupSize == 0 && has_form(weight.scale, kBFloat16, groups) &&
             has_form(weight.least, kBFloat16, groups) && !weight.factors;
    }
    case kChar:
      return k <= kernels::kMaxInt8Depth && has_form(weight.scale, kFloat, {n, 1}) && !weight.least &&
             (!weight.factors || has_form(weight.factors, kFloat, {k}));
    default:
      return false;
  }
}

IValue to_value(const QuantizedWeight& weight) {
  return IValue::tuple({weight.values, optional_value(weight.scale), optional_value(weight.least),
                        optional_value(weight.factors)});
}

QuantizedWeight quantized_weight(const IValue& value) {
  const Ref<TupleImpl> parts = value.toTuple();
  check(parts->items.size() == 4, "quantized_weight: a tuple of four");
  return {.values = parts->items[0].toTensor(),
          .scale = optional_tensor(parts->items[1]),
          .least = optional_tensor(parts->items[2]),
          .factors = optional_tensor(parts->items[3])};
}

QuantizedWeight quantize_weight(const Tensor& weight, Arithmetic arithmetic,
                                const std::optional<Tensor>& factors) {
  const Tensor rows = weight.contiguous();
  switch (arithmetic) {
    case Arithmetic::kBFloat16:
      return {.values = rows.to(kBFloat16)};
    case Arithmetic::kInt8:
      check(factors.has_value(), "quantize_weight: bytes on both sides have factors");
      return quantize_bytes(rows, factors);
    case Arithmetic::kInt8Weights:
      return quantize_bytes(rows, std::nullopt);
    case Arithmetic::kInt4Weights:
      return quantize_digits(rows);
    case Arithmetic::kFloat32:
      break;
  }
  check(false, "quantize_weight: float32 is no low precision");
  return {};
}

Tensor dequantize_weight(const QuantizedWeight& weight) {
  if (weight.values.dtype() == kUInt8) return dequantize_digits(weight);
  const Tensor values = weight.values.to(kFloat);
  return weight.scale ? mul(values, *weight.scale) : values;
}

}  // namespace calque::ops
