#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ops/operator.h"
#include "ops/quantized_weight.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/store_quantized.h"

namespace calque::passes {
namespace {

using ops::Arithmetic;
using ops::QuantizedWeight;

constexpr int64_t kRows = 6, kDepth = 64;
constexpr Arithmetic kArithmetics[] = {Arithmetic::kBFloat16, Arithmetic::kInt8, Arithmetic::kInt8Weights,
                                       Arithmetic::kInt4Weights};

Tensor random_matrix(int64_t rows, int64_t columns) {
  const Tensor tensor = empty({rows, columns}, kFloat);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < tensor.numel(); ++i) tensor.data_ptr<float>()[i] = normal(random);
  return tensor;
}

Value* constant(Graph& graph, IValue value) {
  Node* node = graph.create_constant(std::move(value));
  graph.block().append(node);
  return node->output();
}

/// linear(x, weight) for each weight.
void fill(Graph& graph, const std::vector<Tensor>& weights) {
  Value* x = graph.add_input(tensor_type(), "x");
  for (const Tensor& weight : weights) {
    Node* node = graph.create("aten::linear", {x, constant(graph, weight), constant(graph, IValue())}, 1);
    node->op = find_operator("aten::linear");
    graph.block().append(node);
    graph.add_output(node->output());
  }
}

std::vector<Node*> calls_of(const Graph& graph, std::string_view name) {
  std::vector<Node*> found;
  for (Node* node = graph.block().first(); node != graph.block().return_node(); node = node->next) {
    if (calls(*node, name)) found.push_back(node);
  }
  return found;
}

QuantizedWeight quantized(const Tensor& weight, Arithmetic arithmetic) {
  std::optional<Tensor> factors;
  if (arithmetic == Arithmetic::kInt8) factors = full(Dims{weight.size(1)}, 0.5, kFloat);
  return ops::quantize_weight(weight, arithmetic, factors);
}

double relative_error(const Tensor& a, const Tensor& b) {
  double change = 0, size = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    const auto x = static_cast<double>(a.data_ptr<float>()[i]);
    change += std::pow(x - static_cast<double>(b.data_ptr<float>()[i]), 2);
    size += x * x;
  }
  return std::sqrt(change / size);
}

TEST(QuantizedWeight, StandsForTheWeight) {
  const Tensor weight = random_matrix(kRows, kDepth);
  for (const Arithmetic arithmetic : kArithmetics) {
    const QuantizedWeight low = quantized(weight, arithmetic);
    EXPECT_EQ(low.arithmetic(), arithmetic);
    EXPECT_TRUE(is_well_formed(low));
    EXPECT_EQ(low.rows(), kRows);
    EXPECT_EQ(low.depth(), kDepth);
    Tensor floats = ops::dequantize_weight(low);
    if (low.factors)
      for (int64_t i = 0; i < floats.numel(); ++i) floats.data_ptr<float>()[i] *= 0.5F;
    EXPECT_LT(relative_error(weight, floats), arithmetic == Arithmetic::kInt4Weights ? 0.1 : 0.01);
  }
}

TEST(FuseQuantized, KnowsWhatIsStored) {
  const Tensor weight = random_matrix(kRows, kDepth);
  for (const Arithmetic arithmetic : kArithmetics) {
    Graph graph;
    fill(graph, {weight});
    store_quantized_weights(graph, {{weight.impl().get(), quantized(weight, arithmetic)}});
    verify(graph);
    ASSERT_EQ(calls_of(graph, "aten::linear").size(), 1U);
    EXPECT_TRUE(constant_linears(graph).empty());
    fuse_quantized(graph);
    remove_dead_code(graph);
    verify(graph);
    ASSERT_EQ(calls_of(graph, "calque::linear").size(), 1U) << to_string(graph);
    const Node& fused = *calls_of(graph, "calque::linear")[0];
    EXPECT_EQ(fused.input(0), graph.inputs()[0]);
    EXPECT_EQ(constant_of(fused.input(5))->toInt(), static_cast<int64_t>(arithmetic));
    for (const char* name :
         {"aten::linear", "aten::to", "aten::mul", "aten::add", "aten::view", "aten::stack"})
      EXPECT_TRUE(calls_of(graph, name).empty()) << name;
  }
}

TEST(FuseQuantized, LeavesWhatDoesNotFit) {
  const Tensor weight = random_matrix(kRows, kDepth);
  const auto stays = [&](QuantizedWeight low) {
    Graph graph;
    fill(graph, {weight});
    store_quantized_weights(graph, {{weight.impl().get(), std::move(low)}});
    fuse_quantized(graph);
    return calls_of(graph, "calque::linear").empty();
  };
  QuantizedWeight bytes = quantized(weight, Arithmetic::kInt8Weights);
  bytes.scale = full(Dims{kRows}, 1, kFloat);
  EXPECT_TRUE(stays(bytes));
  bytes.scale = full(Dims{kRows, 1}, 1, kFloat64);
  EXPECT_TRUE(stays(bytes));
  bytes.scale = full(Dims{kRows + 1, 1}, 1, kFloat);
  EXPECT_TRUE(stays(bytes));
  QuantizedWeight digits = quantized(weight, Arithmetic::kInt4Weights);
  digits.least = full(Dims{kRows, 1, 1}, 1, kBFloat16);
  EXPECT_TRUE(stays(digits));
  EXPECT_FALSE(stays(quantized(weight, Arithmetic::kInt4Weights)));
}

TEST(FuseQuantized, LayersOfOneInputShareItsFactors) {
  const Tensor a = random_matrix(kRows, kDepth), b = random_matrix(2 * kRows, kDepth);
  const Tensor factors = full(Dims{kDepth}, 2, kFloat);
  Graph graph;
  fill(graph, {a, b});
  store_quantized_weights(graph, {{a.impl().get(), ops::quantize_weight(a, Arithmetic::kInt8, factors)},
                                  {b.impl().get(), ops::quantize_weight(b, Arithmetic::kInt8, factors)}});
  verify(graph);
  const std::vector<Node*> linears = calls_of(graph, "aten::linear");
  ASSERT_EQ(linears.size(), 2U);
  EXPECT_EQ(linears[0]->input(0), linears[1]->input(0));
}

TEST(SetArithmetic, LeavesStoredWeightsAlone) {
  const Tensor a = random_matrix(kRows, kDepth), b = random_matrix(kRows, kDepth);
  Graph graph;
  fill(graph, {a, b});
  store_quantized_weights(graph, {{a.impl().get(), quantized(a, Arithmetic::kInt8Weights)}});
  fuse_quantized(graph);
  fuse_linear(graph);
  set_arithmetic(graph, static_cast<int64_t>(Arithmetic::kBFloat16));
  ASSERT_EQ(calls_of(graph, "calque::linear").size(), 2U);
  for (const Node* node : calls_of(graph, "calque::linear")) {
    const bool is_stored = constant_of(node->input(1))->isTuple();
    EXPECT_EQ(constant_of(node->input(5))->toInt(),
              static_cast<int64_t>(is_stored ? Arithmetic::kInt8Weights : Arithmetic::kBFloat16));
  }
}

}  // namespace
}  // namespace calque::passes
