// Puts weights in low precision into a graph, with the operators that dequantise them.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "ops/quantized_weight.h"

namespace calque::passes {

/// Calls of linear on a constant float32 matrix, in order.
std::vector<Node*> constant_linears(Graph& graph);
/// Calls of embedding on a constant float32 table of at least `rows` rows.
std::vector<Node*> constant_tables(Graph& graph, int64_t rows);

/// The weight that a value dequantises, when fuse_quantized() knows the form.
std::optional<ops::QuantizedWeight> stored_weight(const Value* value);
/// How many calls of linear have weights in low precision: those that fuse_quantized() knows, and PyTorch's
/// quantised operators.
int64_t count_quantized_linears(Graph& graph);
/// The dtype of the constant weights of the first call of linear on a matrix of other floating-point numbers
/// than float32.
std::optional<ScalarType> other_weights(Graph& graph);

/// By the constant that they replace.
using QuantizedWeights = std::unordered_map<const TensorImpl*, ops::QuantizedWeight>;

/// Replaces weights of constant_linears() by the forms that fuse_quantized() knows.
void store_quantized_weights(Graph& graph, const QuantizedWeights& weights);
/// Replaces tables: rows are read in int8 or bfloat16, and become float32 behind.
void store_quantized_tables(Graph& graph, const QuantizedWeights& tables);

}  // namespace calque::passes
