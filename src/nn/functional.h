// Operators as typed functions, under PyTorch's names. Each runs the operator and reports it to the recorder.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/value.h"

namespace calque::nn {

/// Gives the recorded value a readable name, and returns it.
Tensor named(std::string_view name, Tensor value);
Int named(std::string_view name, Int value);

/// The value of a one-element tensor in C++: a recorder cannot follow it, and warns.
bool to_bool(const Tensor& condition);
double to_double(const Tensor& number);

// Shapes and properties.
/// A constant when the recording is static.
Int size(const Tensor& self, int64_t dim);
/// Always computed, in a static recording too.
Int true_size(const Tensor& self, int64_t dim);
/// The device of `self`, as a value of the program.
Computed device(const Tensor& self);
/// The dtype of `self`, as a value of the program.
Computed dtype(const Tensor& self);

Tensor view(const Tensor& self, const std::vector<Int>& sizes);
Tensor reshape(const Tensor& self, const std::vector<Int>& sizes);
Tensor expand(const Tensor& self, const std::vector<Int>& sizes);
Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1);
Tensor permute(const Tensor& self, const std::vector<Int>& dims);
Tensor contiguous(const Tensor& self);
Tensor unsqueeze(const Tensor& self, int64_t dim);
Tensor squeeze(const Tensor& self, int64_t dim);
Tensor select(const Tensor& self, int64_t dim, Int index);
Tensor slice(const Tensor& self, int64_t dim, Int start, Int end, Int step = 1);
std::vector<Tensor> split(const Tensor& self, int64_t split_size, int64_t dim);

// Creation.
/// int64 0 … end-1 on `device`.
Tensor arange(Int end, const Computed& device);
Tensor zeros_like(const Tensor& self);

// Pointwise.
Tensor to(const Tensor& self, const Computed& dtype);
Tensor to(const Tensor& self, ScalarType dtype);
Tensor add(const Tensor& self, const Tensor& other);
Tensor add(const Tensor& self, double other);
Tensor add(const Tensor& self, int64_t other);
Tensor sub(const Tensor& self, const Tensor& other);
/// other - self.
Tensor rsub(const Tensor& self, double other);
Tensor mul(const Tensor& self, const Tensor& other);
Tensor mul(const Tensor& self, double other);
Tensor div(const Tensor& self, double other);
Tensor pow(const Tensor& self, double exponent);
Tensor tanh(const Tensor& self);
Tensor erf(const Tensor& self);
Tensor relu(const Tensor& self);
Tensor sigmoid(const Tensor& self);
Tensor silu(const Tensor& self);
Tensor mish(const Tensor& self);
Tensor square(const Tensor& self);
Tensor relu6(const Tensor& self);
Tensor leaky_relu(const Tensor& self, double negative_slope);
Tensor clamp(const Tensor& self, double min, double max);
/// `approximate`: "none" or "tanh".
Tensor gelu(const Tensor& self, const char* approximate = "none");
Tensor masked_fill(const Tensor& self, const Tensor& mask, double value);

// Layers.
Tensor linear(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias);
Tensor layer_norm(const Tensor& input, const std::vector<Int>& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps);
Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx = -1);
Tensor dropout(const Tensor& input, double p, bool train);
Tensor softmax(const Tensor& self, int64_t dim);
Tensor matmul(const Tensor& self, const Tensor& other);
Tensor einsum(const char* equation, const std::vector<Tensor>& operands);
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const std::optional<Tensor>& attn_mask);

}  // namespace calque::nn
