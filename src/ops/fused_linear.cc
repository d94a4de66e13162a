// Linear layers with what comes after them, on weights that are packed once.
#include <algorithm>
#include <memory>
#include <variant>
#include <vector>

#include "kernels/gemm/packed.h"
#include "kernels/gemm_bf16/packed_bf16.h"
#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_int8/packed_int8.h"
#include "kernels/gemm_weights/packed_weights.h"
#include "ops/arithmetic.h"
#include "ops/fused.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/packed_layers.h"
#include "ops/quantized_weight.h"
#include "ops/rows_view.h"
#include "ops/support.h"
#include "tensor/derived.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

struct Layers {
  std::vector<Tensor> weights;             ///< float, or the values of `quantized`
  std::vector<QuantizedWeight> quantized;  ///< one for each weight, or none
  std::vector<std::optional<Tensor>> biases;
  std::vector<bool> is_factor;               ///< of matmul, and no matrix
  std::vector<std::optional<Tensor>> added;  ///< behind the product, where it is no bias of a linear
  Arithmetic arithmetic;
};

int64_t depth_of(const Layers& layers) {
  return layers.quantized.empty() ? layers.weights[0].size(1) : layers.quantized[0].depth();
}

/// Its elements lie side by side, row after row or column after column: weights that programs keep as
/// [in, out] come transposed.
bool is_dense(const Tensor& matrix) {
  return matrix.is_contiguous() || matrix.transpose(0, 1).is_contiguous();
}

/// The weights can be one matrix. No packed matrix is larger than the storage that it comes from.
bool weights_fit(const Layers& layers) {
  for (const QuantizedWeight& weight : layers.quantized) {
    const QuantizedWeight& first = layers.quantized[0];
    if (!is_well_formed(weight) || weight.arithmetic() != layers.arithmetic ||
        weight.depth() != first.depth())
      return false;
    if (weight.factors && !weight.factors->is_same(*first.factors)) return false;
  }
  if (!layers.quantized.empty()) return layers.quantized.size() == layers.weights.size();
  for (const Tensor& weight : layers.weights) {
    if (weight.dtype() != kFloat || weight.dim() != 2 || !is_dense(weight) || weight.numel() == 0)
      return false;
    if (weight.size(1) != layers.weights[0].size(1)) return false;
    if (layers.arithmetic == Arithmetic::kInt8 && weight.size(1) > kernels::kMaxInt8Depth) return false;
  }
  return true;
}

bool is_packable(const Layers& layers) {
  if (!weights_fit(layers)) return false;
  for (size_t i = 0; i < layers.weights.size(); ++i) {
    const std::optional<Tensor>& bias = layers.biases[i];
    if (bias && (bias->dtype() != kFloat || bias->dim() != 1 || bias->size(0) != layers.weights[i].size(0)))
      return false;
  }
  return true;
}

int64_t all_columns(const Layers& layers) {
  int64_t n = 0;
  for (const Tensor& weight : layers.weights) n += weight.size(0);
  return n;
}

std::vector<float> joined_bias(const Layers& layers) {
  std::vector<float> out;
  if (std::none_of(layers.biases.begin(), layers.biases.end(), [](const auto& b) { return b.has_value(); }))
    return out;
  for (size_t i = 0; i < layers.weights.size(); ++i) {
    const auto n = static_cast<size_t>(layers.weights[i].size(0));
    if (!layers.biases[i]) {
      out.insert(out.end(), n, 0.0F);
      continue;
    }
    const Tensor bias = layers.biases[i]->contiguous();
    out.insert(out.end(), bias.data_ptr<float>(), bias.data_ptr<float>() + n);
  }
  return out;
}

/// `weight` is [n, k], of any strides.
void pack_weights(PackedLayers& packed, Arithmetic arithmetic, const Tensor& weight) {
  const int64_t n = weight.size(0), k = weight.size(1);
  const int64_t row = weight.strides()[1], col = weight.strides()[0];
  const float* const weights = weight.data_ptr<float>();
  switch (arithmetic) {
    case Arithmetic::kFloat32:
      packed.weights = kernels::pack_b(k, n, weights, row, col);
      return;
    case Arithmetic::kBFloat16:
      packed.weights = kernels::pack_bf16(k, n, weights, row, col);
      return;
    case Arithmetic::kInt8:
      packed.weights = kernels::pack_int8_weights(k, n, weights, row, col);
      return;
    case Arithmetic::kInt8Weights:
      packed.weights = kernels::pack_weights_int8(k, n, weights, row, col);
      return;
    case Arithmetic::kInt4Weights:
      packed.weights = kernels::pack_weights_int4(k, n, weights, row, col);
      return;
  }
}

/// One part of the quantised weights, below each other.
template <class T>
std::vector<T> joined(const Layers& layers, std::optional<Tensor> QuantizedWeight::* part) {
  std::vector<T> out;
  for (const QuantizedWeight& weight : layers.quantized) {
    const auto* const data = elements<T>(*(weight.*part));
    out.insert(out.end(), data, data + (weight.*part)->numel());
  }
  return out;
}

template <class T>
std::vector<T> joined_values(const Layers& layers) {
  std::vector<T> out;
  for (const Tensor& values : layers.weights) {
    const auto* const data = elements<T>(values);
    out.insert(out.end(), data, data + values.numel());
  }
  return out;
}

void pack_quantized(PackedLayers& packed, const Layers& layers, int64_t n, int64_t k) {
  if (layers.arithmetic == Arithmetic::kBFloat16) {
    std::vector<float> floats;
    for (const BFloat16 value : joined_values<BFloat16>(layers))
      floats.push_back(bfloat16_to_float(value.bits));
    packed.weights = kernels::pack_bf16(k, n, floats.data(), 1, k);
    return;
  }
  if (layers.arithmetic == Arithmetic::kInt4Weights) {
    const auto digits = joined_values<uint8_t>(layers);
    const auto scale = joined<uint16_t>(layers, &QuantizedWeight::scale);
    const auto least = joined<uint16_t>(layers, &QuantizedWeight::least);
    packed.weights = kernels::pack_weights_int4(kernels::Int4Weights{
        .k = k, .n = n, .digits = digits.data(), .scale = scale.data(), .least = least.data()});
    return;
  }
  const auto values = joined_values<int8_t>(layers);
  const auto scales = joined<float>(layers, &QuantizedWeight::scale);
  const std::optional<Tensor>& factors = layers.quantized[0].factors;
  const kernels::Int8Weights weights{.k = k,
                                     .n = n,
                                     .b = values.data(),
                                     .b_row = 1,
                                     .b_col = k,
                                     .scales = scales.data(),
                                     .factors = factors ? factors->data_ptr<float>() : nullptr};
  if (factors) {
    packed.weights = kernels::pack_int8_weights(weights);
  } else {
    packed.weights = kernels::pack_weights_int8(weights);
  }
}

std::shared_ptr<const PackedLayers> pack(const Layers& layers) {
  const int64_t k = depth_of(layers);
  auto packed = std::make_shared<PackedLayers>();
  packed->bias = joined_bias(layers);
  if (!layers.quantized.empty()) {
    pack_quantized(*packed, layers, all_columns(layers), k);
  } else {
    const bool is_one = layers.weights.size() == 1;
    pack_weights(*packed, layers.arithmetic, is_one ? layers.weights[0] : concatenate(layers.weights, 0));
  }
  for (const Tensor& weight : layers.weights) weight.storage()->drop_pages();
  return packed;
}

/// nullptr when the weights have to be used as they are.
std::shared_ptr<const PackedLayers> packed_layers(const Layers& layers) {
  if (!is_packable(layers)) return nullptr;
  std::vector<Tensor> sources = layers.weights;
  for (const std::optional<Tensor>& bias : layers.biases) {
    if (bias) sources.push_back(*bias);
  }
  for (const QuantizedWeight& weight : layers.quantized) {
    for (const std::optional<Tensor>& part : {weight.scale, weight.least, weight.factors}) {
      if (part) sources.push_back(*part);
    }
  }
  auto packed = std::static_pointer_cast<const PackedLayers>(
      derived_value(packed_kind(layers.arithmetic), sources, [&] { return pack(layers); }));
  if (packed == nullptr) return nullptr;
  // The instruction set may have been restricted since, and sizes may come from a file.
  const bool fits = std::visit(
      [&](const auto& weights) {
        return weights.isa() == active_isa() && weights.k() == depth_of(layers) &&
               weights.n() == all_columns(layers);
      },
      packed->weights);
  return fits ? packed : nullptr;
}

void multiply(const kernels::GemmPackedArgs& args, const PackedLayers& packed) {
  if (const auto* f32 = std::get_if<kernels::PackedB>(&packed.weights))
    return kernels::gemm_packed(args, *f32);
  if (const auto* bf16 = std::get_if<kernels::PackedBf16>(&packed.weights))
    return kernels::gemm_packed_bf16(args, *bf16);
  if (const auto* int8 = std::get_if<kernels::PackedInt8>(&packed.weights))
    return kernels::gemm_packed_int8(args, *int8);
  if (const auto* bytes = std::get_if<kernels::PackedWeightsInt8>(&packed.weights))
    return kernels::gemm_weights_int8(args, *bytes);
  kernels::gemm_weights_int4(args, std::get<kernels::PackedWeightsInt4>(packed.weights));
}

Dims output_sizes(const Tensor& input, int64_t columns) {
  Dims sizes = to_dims(input.sizes());
  sizes.back() = columns;
  return sizes;
}

kernels::Activation kernel_activation(LinearActivation activation) {
  switch (activation) {
    case LinearActivation::kNone:
      return kernels::Activation::kNone;
    case LinearActivation::kRelu:
      return kernels::Activation::kRelu;
    case LinearActivation::kTanh:
      return kernels::Activation::kTanh;
    case LinearActivation::kGelu:
      return kernels::Activation::kGelu;
    case LinearActivation::kGeluTanh:
      return kernels::Activation::kGeluTanh;
    case LinearActivation::kSilu:
      return kernels::Activation::kSilu;
    case LinearActivation::kQuickGelu:
      return kernels::Activation::kQuickGelu;
  }
  return kernels::Activation::kNone;
}

struct Epilogue {
  LinearActivation activation = LinearActivation::kNone;
  std::optional<Tensor> residual{};
};

/// The rows that are added to `out`: its own, or one for all of them, as the bias of a language model's head
/// comes. nullopt when the addition is no part of the product.
std::optional<RowsView> residual_rows(const Tensor& residual, const Tensor& out) {
  std::optional<RowsView> rows = rows_view(residual);
  if (!rows || std::ranges::equal(residual.sizes(), out.sizes())) return rows;
  if (residual.dim() > out.dim() || rows->rows != 1 || rows->cols != out.size(-1)) return std::nullopt;
  rows->stride = 0;
  return rows;
}

/// nullopt when this has to be computed step by step.
std::optional<Tensor> fast_linear(const Tensor& input, const Layers& layers, const Epilogue& epilogue) {
  if (input.dtype() != kFloat || input.dim() < 1) return std::nullopt;
  const std::shared_ptr<const PackedLayers> packed = packed_layers(layers);
  if (packed == nullptr || input.size(-1) != depth_of(layers)) return std::nullopt;
  const int64_t columns = all_columns(layers);
  std::optional<RowsView> x = rows_view(input);
  Tensor dense = input;
  if (!x) {
    dense = input.contiguous();
    x = rows_view(dense);
  }
  Tensor out = empty(output_sizes(input, columns), kFloat);
  kernels::GemmPackedArgs args{.m = x->rows,
                               .a = x->data,
                               .a_row = x->stride,
                               .c = out.data_ptr<float>(),
                               .c_row = columns,
                               .bias = packed->bias.empty() ? nullptr : packed->bias.data(),
                               .activation = kernel_activation(epilogue.activation)};
  std::optional<RowsView> residual;
  if (epilogue.residual) residual = residual_rows(*epilogue.residual, out);
  if (residual) {
    args.residual = residual->data;
    args.residual_row = residual->stride;
  }
  if (out.numel() > 0) multiply(args, *packed);
  return epilogue.residual && !residual ? add(out, *epilogue.residual) : out;
}

/// What `add` adds to a product with [n, k] float32 weights is their bias.
bool is_bias(const std::optional<Tensor>& added, int64_t n) {
  return added && added->dtype() == kFloat && added->dim() == 1 && added->size(0) == n;
}

/// Of a call or of its arguments: input, then weight and bias of each layer; the arithmetic comes last.
template <class Arguments>
Layers layers_of(const Arguments& arguments, size_t count) {
  Layers layers{.weights = {},
                .quantized = {},
                .biases = {},
                .is_factor = {},
                .added = {},
                .arithmetic = static_cast<Arithmetic>(arguments[arguments.size() - 1].toInt())};
  for (size_t i = 0; i < count; ++i) {
    const IValue& weight = arguments[1 + 2 * i];
    const std::optional<Tensor> factor = matmul_factor(weight);
    if (!weight.isTensor() && !factor) layers.quantized.push_back(quantized_weight(weight));
    const Tensor values = weight.isTensor() ? weight.toTensor()
                          : factor          ? *factor
                                            : layers.quantized.back().values;
    layers.weights.push_back(values);
    layers.is_factor.push_back(factor.has_value());

    const IValue& bias = arguments[2 + 2 * i];
    const std::optional<Tensor> added = added_tensor(bias);
    const bool is_float = !factor && (!weight.isTensor() || values.dtype() == kFloat) && values.dim() == 2;
    const bool joins = is_float && is_bias(added, values.size(0));
    layers.biases.push_back(joins ? added : bias.isTensor() ? std::optional(bias.toTensor()) : std::nullopt);
    layers.added.push_back(joins ? std::nullopt : added);
  }
  return layers;
}

/// Layer i by the operators that it stands for.
Tensor plain_linear(const Tensor& input, const Layers& layers, size_t i) {
  if (layers.is_factor[i]) return matmul(input, layers.weights[i]);
  if (layers.quantized.empty()) return linear(input, layers.weights[i], layers.biases[i]);
  const QuantizedWeight& weight = layers.quantized.at(i);
  return linear(weight.factors ? mul(input, *weight.factors) : input, dequantize_weight(weight),
                layers.biases[i]);
}

/// The product of one layer, and what is added to it before anything else: in one go where it is one row for
/// all, as the bias of a language model's head is.
Tensor sum_behind(const Tensor& input, const Layers& layers) {
  const std::optional<Tensor> fast = fast_linear(input, layers, {.residual = layers.added[0]});
  return fast ? *fast : add(plain_linear(input, layers, 0), *layers.added[0]);
}

}  // namespace

void fused_linear(OpCall& call) {
  const Tensor input = call.tensor(0);
  const Layers layers = layers_of(call, 1);
  const Epilogue epilogue{.activation = static_cast<LinearActivation>(call.integer(3)),
                          .residual = call.optional_tensor(4)};
  Tensor out;
  if (layers.added[0]) {
    out = sum_behind(input, layers);
  } else if (std::optional<Tensor> fast = fast_linear(input, layers, epilogue)) {
    return call.ret(std::move(*fast));
  } else {
    out = plain_linear(input, layers, 0);
  }
  out = activated(out, epilogue.activation);
  if (epilogue.residual) out = add(out, *epilogue.residual);
  call.ret(std::move(out));
}

void fused_linears(OpCall& call) {
  const size_t count = (call.size() - 2) / 2;
  const Tensor input = call.tensor(0);
  const Layers layers = layers_of(call, count);
  const std::optional<Tensor> out = fast_linear(input, layers, {});
  int64_t column = 0;
  for (size_t i = 0; i < count; ++i) {
    const int64_t end = out ? column + layers.weights[i].size(0) : 0;
    Tensor result = out ? out->slice(-1, column, end) : plain_linear(input, layers, i);
    if (layers.added[i]) result = add(result, *layers.added[i]);
    call.ret(std::move(result), i);
    column = end;
  }
}

void matmul_weight(OpCall& call) {
  const Tensor factor = call.tensor(0);
  call.ret(factor.dim() == 2 ? IValue(factor.transpose(0, 1)) : IValue::tuple({factor}));
}

std::optional<Tensor> matmul_factor(const IValue& weight) {
  const bool is_factor = weight.isTuple() && weight.tuple_impl()->items.size() == 1;
  return is_factor ? std::optional(weight.tuple_impl()->items[0].toTensor()) : std::nullopt;
}

std::optional<Tensor> added_tensor(const IValue& bias) {
  return bias.isTuple() ? std::optional(bias.tuple_impl()->items.at(0).toTensor()) : std::nullopt;
}

void prepare_linear(std::span<const IValue> arguments) {
  if (!arguments[1].isNone()) packed_layers(layers_of(arguments, 1));
}

void prepare_linears(std::span<const IValue> arguments) {
  const size_t count = (arguments.size() - 2) / 2;
  for (size_t i = 0; i < count; ++i) {
    if (arguments[1 + 2 * i].isNone()) return;
  }
  packed_layers(layers_of(arguments, count));
}

}  // namespace calque::ops
