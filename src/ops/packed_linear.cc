#include "ops/packed_linear.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "ir/native_class.h"
#include "kernels/gemm_int8/gemm_int8.h"
#include "ops/matmul.h"
#include "ops/quantization.h"
#include "ops/unary.h"
#include "tensor/dtype.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

// Slots of the object, in the order of its class's attributes.
enum Slot : uint8_t { kWeight, kBias, kPacked, kScales, kZeroPoints, kOffsets, kSlots };

void check_parameters(const LinearParameters& parameters) {
  const Tensor& weight = parameters.weight;
  if (weight.dim() != 2) {
    throw RuntimeError("The weight tensor for quantized::linear_prepack (fbgemm) should be 2-dimensional.");
  }
  if (weight.dtype() != ScalarType::QInt8 && weight.dtype() != kFloat) {
    throw RuntimeError(cat("expected scalar type QInt8 but found ", dtype_cpp_name(weight.dtype())));
  }
  if (!parameters.bias) return;
  if (parameters.bias->dim() != 1) throw RuntimeError("bias should be a vector (1D Tensor)");
  const int64_t n = weight.sizes()[0];
  if (parameters.bias->sizes()[0] != n) throw RuntimeError(cat("bias should have N elements: ", n));
  if (parameters.bias->dtype() != kFloat) {
    throw RuntimeError(
        cat("expected scalar type Float but found ", dtype_cpp_name(parameters.bias->dtype())));
  }
}

/// Scale and zero point of every row, whichever way the weight is quantised.
void fill_columns(const Tensor& weight, ObjectImpl& out) {
  const Quantization& how = quantization_of(weight, "quantized::linear_prepack");
  const int64_t n = weight.sizes()[0];
  const int64_t k = weight.sizes()[1];
  if (how.axis > 0) throw RuntimeError("the weight of a quantised Linear has its scales along dimension 0");
  const Tensor scales = empty({n}, kFloat);
  const Tensor zero_points = empty({n}, kInt);
  const Tensor offsets = empty({n}, kInt);
  const auto* rows = elements<int8_t>(weight);
  for (int64_t row = 0; row < n; ++row) {
    const auto at = static_cast<size_t>(how.axis < 0 ? 0 : row);
    const int64_t zero_point = how.zero_points.at(at);
    if (zero_point < -128 || zero_point > 127) {
      throw RuntimeError(cat("zero point ", zero_point, " of a qint8 weight: expected -128 … 127"));
    }
    int64_t sum = -k * zero_point;
    for (int64_t i = 0; i < k; ++i) sum += rows[row * k + i];
    elements<float>(scales)[row] = static_cast<float>(how.scales.at(at));
    elements<int32_t>(zero_points)[row] = static_cast<int32_t>(zero_point);
    elements<int32_t>(offsets)[row] = static_cast<int32_t>(sum);
  }
  out.slots[kScales] = scales;
  out.slots[kZeroPoints] = zero_points;
  out.slots[kOffsets] = offsets;
}

/// The same tensor with its scales rounded to float32, as fbgemm keeps them.
Tensor with_float_scales(const Tensor& weight) {
  const Quantization& how = quantization_of(weight, "quantized::linear_prepack");
  auto rounded = make_ref<Quantization>();
  rounded->axis = how.axis;
  rounded->zero_points = how.zero_points;
  for (const double scale : how.scales) rounded->scales.push_back(static_cast<float>(scale));
  auto out = make_ref<TensorImpl>();
  out->storage = weight.storage();
  out->offset = weight.storage_offset();
  out->sizes.assign(weight.sizes().begin(), weight.sizes().end());
  out->strides.assign(weight.strides().begin(), weight.strides().end());
  out->dtype = weight.dtype();
  out->quantization = std::move(rounded);
  return Tensor(std::move(out));
}

/// Halves that overflow are the largest half, as PyTorch packs them.
Tensor rounded_to_half(const Tensor& weight) {
  constexpr float kLargest = 65504.0F;
  Tensor limited = weight.clone().contiguous();
  auto* p = elements<float>(limited);
  const int64_t n = limited.numel();
  for (int64_t i = 0; i < n; ++i) p[i] = p[i] > kLargest ? kLargest : p[i] < -kLargest ? -kLargest : p[i];
  return limited.to(kHalf).to(kFloat);
}

bool is_packed(const ObjectImpl& object) {
  return object.type == linear_packed_params_type() && object.slots.size() == kSlots &&
         object.slots[kWeight].isTensor();
}

/// The slot as `n` elements of `dtype` that lie side by side. A program may write to slots, so nothing is
/// believed.
template <class T>
const T* elements_of(const ObjectImpl& object, Slot slot, ScalarType dtype, int64_t n) {
  const IValue& value = object.slots[slot];
  const TensorImpl* impl = value.tensor_impl();
  const bool fits = impl != nullptr && impl->dtype == dtype && value.toTensor().is_contiguous() &&
                    value.toTensor().numel() == n;
  if (!fits) throw RuntimeError("packed parameters of a Linear were changed by the program");
  return elements<T>(value.toTensor());
}

void check_input(const Tensor& x) {
  if (x.dim() < 2) {
    throw RuntimeError("The dimension of input tensor should be larger than or equal to 2");
  }
  if (x.dtype() != kFloat) {
    throw RuntimeError(cat("expected scalar type Float but found ", dtype_cpp_name(x.dtype())));
  }
}

Tensor linear_dynamic_int8(const Tensor& x, const ObjectImpl& object, const LinearDynamicOptions& options) {
  const Tensor weight = object.slots[kWeight].toTensor();
  const int64_t n = weight.size(0);
  const int64_t k = weight.size(1);
  if (x.size(-1) != k) {
    throw RuntimeError(cat("The number of rows in the packB should be equal to K: ", x.size(-1)));
  }
  Dims sizes(x.sizes().begin(), x.sizes().end());
  sizes.back() = n;
  const Tensor out = empty(sizes, kFloat);
  const Tensor rows = x.contiguous();
  const FloatRange seen = float_range(rows);
  const AffineQuantization how =
      choose_quantization(seen.min, seen.max, quantized_range(ScalarType::QUInt8), options.reduce_range);
  const bool has_bias = !object.slots[kBias].isNone();
  kernels::gemm_int8({.m = n == 0 ? 0 : out.numel() / n,
                      .n = n,
                      .k = k,
                      .a = elements<float>(rows),
                      .a_row = k,
                      .a_quantization = {.scale = static_cast<float>(how.scale),
                                         .zero_point = static_cast<int32_t>(how.zero_point)},
                      .b = elements_of<int8_t>(object, kPacked, kChar, kernels::packed_int8_bytes(k, n)),
                      .b_scales = elements_of<float>(object, kScales, kFloat, n),
                      .b_zero_points = elements_of<int32_t>(object, kZeroPoints, kInt, n),
                      .b_offsets = elements_of<int32_t>(object, kOffsets, kInt, n),
                      .bias = has_bias ? elements_of<float>(object, kBias, kFloat, n) : nullptr,
                      .relu = options.relu,
                      .c = elements<float>(out)});
  return out;
}

}  // namespace

Ref<ObjectImpl> pack_linear(const LinearParameters& parameters) {
  check_parameters(parameters);
  auto out = make_ref<ObjectImpl>();
  out->type = linear_packed_params_type();
  out->slots.resize(kSlots);
  const bool is_int8 = parameters.weight.dtype() == ScalarType::QInt8;
  const Tensor weight =
      is_int8 ? with_float_scales(parameters.weight.contiguous()) : rounded_to_half(parameters.weight);
  const int64_t n = weight.sizes()[0];
  const int64_t k = weight.sizes()[1];
  out->slots[kWeight] = weight;
  if (parameters.bias) out->slots[kBias] = parameters.bias->contiguous();
  if (!is_int8) return out;
  if (k > kernels::kMaxInt8Depth) {
    throw RuntimeError(
        cat("a quantised Linear of ", k, " inputs; at most ", kernels::kMaxInt8Depth, " are supported"));
  }
  fill_columns(weight, *out);
  const Tensor packed = empty({kernels::packed_int8_bytes(k, n)}, kChar);
  kernels::pack_int8(k, n, elements<int8_t>(weight), elements<int8_t>(packed));
  out->slots[kPacked] = packed;
  return out;
}

const ObjectImpl& packed_object(const IValue& value) {
  const ObjectImpl* object = value.object_impl();
  if (object != nullptr && is_packed(*object)) return *object;
  throw RuntimeError(cat("expected packed parameters of a Linear, found ", value.type_name()));
}

LinearParameters unpack_linear(const ObjectImpl& packed) {
  if (!is_packed(packed)) throw RuntimeError("packed parameters of a Linear were never set");
  const IValue& bias = packed.slots[kBias];
  return {.weight = packed.slots[kWeight].toTensor(),
          .bias = bias.isTensor() ? std::optional<Tensor>(bias.toTensor()) : std::nullopt};
}

Tensor linear_dynamic(const Tensor& x, const ObjectImpl& packed, const LinearDynamicOptions& options) {
  check_input(x);
  const LinearParameters parameters = unpack_linear(packed);
  if (parameters.weight.dtype() == ScalarType::QInt8) return linear_dynamic_int8(x, packed, options);
  const Tensor out = linear(x, parameters.weight, parameters.bias);
  return options.relu ? relu(out) : out;
}

}  // namespace calque::ops
