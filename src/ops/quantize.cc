// Quantising, dequantising, what a quantised tensor knows of itself; packed Linear layers.
#include "base/text.h"
#include "ops/packed_linear.h"
#include "ops/quantization.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

ScalarType quantized_dtype(const OpCall& c, size_t i) { return static_cast<ScalarType>(c.integer(i)); }

void quantize_per_tensor_op(OpCall& c) {
  c.ret(quantize_per_tensor(c.tensor(0), {.scale = c.number(1), .zero_point = c.integer(2)},
                            quantized_dtype(c, 3)));
}

void quantize_per_tensor_tensors(OpCall& c) {
  const AffineQuantization how{.scale = c.tensor(1).item().to_double(),
                               .zero_point = c.tensor(2).item().to_int()};
  c.ret(quantize_per_tensor(c.tensor(0), how, quantized_dtype(c, 3)));
}

void quantize_dynamic(OpCall& c) {
  const Tensor x = c.tensor(0);
  const ScalarType dtype = quantized_dtype(c, 1);
  if (x.dtype() != kFloat || (dtype != ScalarType::QInt8 && dtype != ScalarType::QUInt8)) {
    throw RuntimeError(
        cat("dtype ", dtype_cpp_name(x.dtype() == kFloat ? dtype : x.dtype()), "not supported"));
  }
  if (x.numel() == 0) {
    throw RuntimeError(
        "min(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
        "with "
        "the 'dim' argument.");
  }
  const FloatRange seen = float_range(x.contiguous());
  c.ret(quantize_per_tensor(x, choose_quantization(seen.min, seen.max, quantized_range(dtype), c.boolean(2)),
                            dtype));
}

void quantize_per_channel(OpCall& c) {
  const Tensor x = c.tensor(0);
  const ScalarType dtype = quantized_dtype(c, 4);
  const Tensor scales = c.tensor(1).to(kDouble).contiguous();
  if (is_floating_point(c.tensor(2).dtype())) {
    throw NotImplementedError("quantize_per_channel: zero points must be integers");
  }
  const Tensor zero_points = c.tensor(2).to(kLong).contiguous();
  const int64_t axis = wrap_dim(c.integer(3), x.dim());
  const int64_t channels = x.size(axis);
  if (scales.dim() != 1 || zero_points.dim() != 1 || scales.numel() != channels ||
      zero_points.numel() != channels) {
    throw RuntimeError(
        cat("length of scales must equal to channel, expected ", channels, " got, ", scales.numel()));
  }
  auto quantization = make_ref<Quantization>();
  quantization->axis = axis;
  quantization->scales.assign(elements<double>(scales), elements<double>(scales) + channels);
  quantization->zero_points.assign(elements<int64_t>(zero_points), elements<int64_t>(zero_points) + channels);
  const Tensor out = empty_like(x, dtype);
  for (int64_t i = 0; i < channels; ++i) {
    const AffineQuantization how{.scale = quantization->scales[static_cast<size_t>(i)],
                                 .zero_point = quantization->zero_points[static_cast<size_t>(i)]};
    const Tensor channel = quantize_per_tensor(x.select(axis, i), how, dtype);
    integers_of(out).select(axis, i).copy_(integers_of(channel));
  }
  out.impl()->quantization = std::move(quantization);
  c.ret(out);
}

void dequantize_op(OpCall& c) {
  const Tensor x = c.tensor(0);
  const bool is_plain = !x.impl()->quantization && is_floating_point(x.dtype());
  c.ret(is_plain ? x.to(kFloat) : dequantize(x));
}

void dequantize_list(OpCall& c) {
  std::vector<Tensor> out;
  for (const Tensor& x : c[0].toTensorVector()) out.push_back(dequantize(x));
  c.ret(out);
}

void int_repr(OpCall& c) {
  quantization_of(c.tensor(0), "aten::int_repr");
  c.ret(integers_of(c.tensor(0)).clone());
}

const Quantization& per_tensor(const OpCall& c, const char* op) {
  const Quantization& how = quantization_of(c.tensor(0), op);
  if (how.axis < 0) return how;
  throw RuntimeError("Expected quantizer->qscheme() == kPerTensorAffine to be true, but got false.");
}

const Quantization& per_channel(const OpCall& c, const char* op) {
  const Quantization& how = quantization_of(c.tensor(0), op);
  if (how.axis >= 0) return how;
  throw RuntimeError(
      "Expected quantizer->qscheme() == kPerChannelAffine || quantizer->qscheme() == "
      "kPerChannelAffineFloatQParams to be true, but got false.");
}

void q_scale(OpCall& c) { c.ret(per_tensor(c, "aten::q_scale").scales[0]); }
void q_zero_point(OpCall& c) { c.ret(per_tensor(c, "aten::q_zero_point").zero_points[0]); }
void q_axis(OpCall& c) { c.ret(per_channel(c, "aten::q_per_channel_axis").axis); }

void q_scales(OpCall& c) {
  const Quantization& how = per_channel(c, "aten::q_per_channel_scales");
  const Tensor out = empty({static_cast<int64_t>(how.scales.size())}, kDouble);
  std::ranges::copy(how.scales, elements<double>(out));
  c.ret(out);
}

void q_zero_points(OpCall& c) {
  c.ret(tensor(per_channel(c, "aten::q_per_channel_zero_points").zero_points));
}

// --- packed Linear layers

void prepack(OpCall& c) {
  const LinearParameters parameters{.weight = c.tensor(0), .bias = c.optional_tensor(1)};
  quantization_of(parameters.weight, "quantized::linear_prepack");
  c.ret(pack_linear(parameters));
}

void prepack_fp16(OpCall& c) {
  if (c.tensor(0).dtype() != kFloat) {
    throw RuntimeError(
        cat("linear_prepack_fp16: expected a float32 weight, found ", dtype_name(c.tensor(0).dtype())));
  }
  c.ret(pack_linear({.weight = c.tensor(0), .bias = c.optional_tensor(1)}));
}

void unpack(OpCall& c) {
  const LinearParameters parameters = unpack_linear(packed_object(c[0]));
  c.ret(parameters.weight, 0);
  c.ret(parameters.bias, 1);
}

template <bool Relu>
void linear_dynamic_op(OpCall& c) {
  c.ret(linear_dynamic(c.tensor(0), packed_object(c[1]), {.reduce_range = c.boolean(2), .relu = Relu}));
}
template <bool Relu>
void linear_dynamic_fp16(OpCall& c) {
  c.ret(linear_dynamic(c.tensor(0), packed_object(c[1]), {.relu = Relu}));
}

constexpr OpRow kQuantizeOps[] = {
    {"aten::quantize_per_tensor(Tensor self, float scale, int zero_point, ScalarType dtype) -> Tensor",
     quantize_per_tensor_op},
    {"aten::quantize_per_tensor.tensor_qparams(Tensor self, Tensor scale, Tensor zero_point, ScalarType "
     "dtype) -> Tensor",
     quantize_per_tensor_tensors},
    {"aten::quantize_per_tensor_dynamic(Tensor self, ScalarType dtype, bool reduce_range) -> Tensor",
     quantize_dynamic},
    {"aten::quantize_per_channel(Tensor self, Tensor scales, Tensor zero_points, int axis, ScalarType dtype) "
     "-> Tensor",
     quantize_per_channel},
    {"aten::dequantize.self(Tensor self) -> Tensor", dequantize_op},
    {"aten::dequantize.tensors(Tensor[] tensors) -> Tensor[]", dequantize_list},
    {"aten::int_repr(Tensor self) -> Tensor", int_repr},
    {"aten::q_scale(Tensor self) -> float", q_scale},
    {"aten::q_zero_point(Tensor self) -> int", q_zero_point},
    {"aten::q_per_channel_scales(Tensor self) -> Tensor", q_scales},
    {"aten::q_per_channel_zero_points(Tensor self) -> Tensor", q_zero_points},
    {"aten::q_per_channel_axis(Tensor self) -> int", q_axis},
    {"quantized::linear_prepack(Tensor W, Tensor? B=None) -> "
     "__torch__.torch.classes.quantized.LinearPackedParamsBase W_prepack",
     prepack},
    {"quantized::linear_prepack_fp16(Tensor W, Tensor? B=None) -> "
     "__torch__.torch.classes.quantized.LinearPackedParamsBase W_prepack",
     prepack_fp16},
    {"quantized::linear_unpack(__torch__.torch.classes.quantized.LinearPackedParamsBase W_prepack) -> "
     "(Tensor W_origin, Tensor? B_origin)",
     unpack},
    {"quantized::linear_unpack_fp16(__torch__.torch.classes.quantized.LinearPackedParamsBase W_prepack) -> "
     "(Tensor W_origin, Tensor? B_origin)",
     unpack},
    {"quantized::linear_dynamic(Tensor X, __torch__.torch.classes.quantized.LinearPackedParamsBase "
     "W_prepack, bool reduce_range=False) -> Tensor Y",
     linear_dynamic_op<false>},
    {"quantized::linear_relu_dynamic(Tensor X, __torch__.torch.classes.quantized.LinearPackedParamsBase "
     "W_prepack, bool reduce_range=False) -> Tensor Y",
     linear_dynamic_op<true>},
    {"quantized::linear_dynamic_fp16(Tensor X, __torch__.torch.classes.quantized.LinearPackedParamsBase "
     "W_prepack) -> Tensor Y",
     linear_dynamic_fp16<false>},
    {"quantized::linear_relu_dynamic_fp16(Tensor X, __torch__.torch.classes.quantized.LinearPackedParamsBase "
     "W_prepack) -> Tensor Y",
     linear_dynamic_fp16<true>},
};

}  // namespace

OpTable quantize_ops() { return kQuantizeOps; }

}  // namespace calque::ops
