#include "passes/store_quantized.h"

#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "ops/operator.h"
#include "passes/match.h"

namespace calque::passes {

namespace {

using ops::QuantizedWeight;

/// The constant matrix that the first or second input of a call is; nullptr when it is none.
const TensorImpl* constant_matrix_of_any(const Value* value) {
  const IValue* constant = constant_of(value);
  const TensorImpl* tensor = constant == nullptr ? nullptr : constant->tensor_impl();
  const bool fits =
      tensor != nullptr && tensor->sizes.size() == 2 && tensor->sizes[0] > 0 && tensor->sizes[1] > 0;
  return fits ? tensor : nullptr;
}

/// Of float32.
const TensorImpl* constant_matrix(const Value* value) {
  const TensorImpl* tensor = constant_matrix_of_any(value);
  return tensor != nullptr && tensor->dtype == kFloat ? tensor : nullptr;
}

template <class Fits>
void find(Block& block, const Fits& fits, std::vector<Node*>& found) {
  for (Node* node = block.first(); node != block.return_node(); node = node->next) {
    for (auto& inner : node->blocks) find(*inner, fits, found);
    if (fits(*node)) found.push_back(node);
  }
}

/// Makes operators before a node.
class Writer {
 public:
  explicit Writer(Node& place) : place_(place) {}

  Value* constant(IValue value) const { return insert_constant(std::move(value), place_); }
  Value* number(int64_t value) const { return constant(IValue(value)); }

  Value* call(std::string_view full_name, const std::vector<Value*>& inputs) const {
    return insert_call(full_name, inputs, place_)->output();
  }

  Value* to_float(Value* value) const {
    return call("aten::to.dtype", {value, number(static_cast<int64_t>(kFloat)), constant(IValue(false)),
                                   constant(IValue(false)), constant(IValue())});
  }
  Value* to_float(const Tensor& tensor) const { return to_float(constant(tensor)); }
  Value* times(Value* a, Value* b) const { return call("aten::mul.Tensor", {a, b}); }

  Value* list(const std::vector<Value*>& items) const {
    Node* node = place_.graph().create("prim::ListConstruct", items);
    node->scope = place_.scope;
    node->add_output(list_type(items[0]->type));
    node->insert_before(&place_);
    return node->output();
  }

  Value* view(Value* value, const std::vector<int64_t>& sizes) const {
    return call("aten::view", {value, constant(IValue(sizes))});
  }

 private:
  Node& place_;
};

Value* four_bits(const Writer& write, const QuantizedWeight& weight) {
  const int64_t n = weight.rows(), k = weight.depth();
  Value* values = write.constant(weight.values);
  Value* low = write.call("aten::bitwise_and.Scalar", {values, write.number(15)});
  Value* high = write.call("aten::bitwise_right_shift.Tensor_Scalar", {values, write.number(4)});
  Value* pairs = write.call("aten::stack", {write.list({low, high}), write.number(-1)});
  Value* digits = write.to_float(write.view(pairs, {n, k / ops::kInt4GroupSize, ops::kInt4GroupSize}));
  Value* scaled = write.times(digits, write.to_float(*weight.scale));
  Value* floats = write.call("aten::add.Tensor", {scaled, write.to_float(*weight.least), write.number(1)});
  return write.view(floats, {n, k});
}

Value* dequantized(const Writer& write, const QuantizedWeight& weight) {
  if (weight.least) return four_bits(write, weight);
  Value* values = write.to_float(weight.values);
  return weight.scale ? write.times(values, write.constant(*weight.scale)) : values;
}

/// `x * factors`, once for all readers of x with the same factors.
class Inputs {
 public:
  Value* multiplied(Node& reader, const Tensor& factors) {
    Value*& made = made_[{reader.owner, reader.input(0), factors.impl().get()}];
    if (made == nullptr) {
      const Writer write(reader);
      made = write.times(reader.input(0), write.constant(factors));
    }
    return made;
  }

 private:
  std::map<std::tuple<const Block*, const Value*, const TensorImpl*>, Value*> made_;
};

}  // namespace

std::vector<Node*> constant_linears(Graph& graph) {
  std::vector<Node*> found;
  find(
      graph.block(),
      [](const Node& node) {
        return calls(node, "aten::linear") && constant_matrix(node.input(1)) != nullptr;
      },
      found);
  return found;
}

std::vector<Node*> constant_tables(Graph& graph, int64_t rows) {
  std::vector<Node*> found;
  find(
      graph.block(),
      [&](const Node& node) {
        if (!calls(node, "aten::embedding")) return false;
        const TensorImpl* table = constant_matrix(node.input(0));
        return table != nullptr && table->sizes[0] >= rows;
      },
      found);
  return found;
}

std::optional<ScalarType> other_weights(Graph& graph) {
  std::vector<Node*> found;
  find(
      graph.block(),
      [](const Node& node) {
        const TensorImpl* weight =
            calls(node, "aten::linear") ? constant_matrix_of_any(node.input(1)) : nullptr;
        return weight != nullptr && weight->dtype != kFloat && is_floating_point(weight->dtype);
      },
      found);
  if (found.empty()) return std::nullopt;
  return constant_matrix_of_any(found.front()->input(1))->dtype;
}

void store_quantized_weights(Graph& graph, const QuantizedWeights& weights) {
  Inputs inputs;
  for (Node* node : constant_linears(graph)) {
    const auto at = weights.find(constant_matrix(node->input(1)));
    if (at == weights.end()) continue;
    const Writer write(*node);
    if (at->second.factors) node->replace_input(0, inputs.multiplied(*node, *at->second.factors));
    node->replace_input(1, dequantized(write, at->second));
  }
}

void store_quantized_tables(Graph& graph, const QuantizedWeights& tables) {
  for (Node* node : constant_tables(graph, 0)) {
    const auto at = tables.find(constant_matrix(node->input(0)));
    if (at == tables.end()) continue;
    const Writer write(*node);
    const auto rows = [&](const Tensor& of) {
      std::vector<Value*> arguments = node->inputs;
      arguments[0] = write.constant(of);
      return write.call("aten::embedding", arguments);
    };
    Value* floats = write.to_float(rows(at->second.values));
    if (at->second.scale) floats = write.times(floats, rows(*at->second.scale));
    floats->hint = node->output()->hint;
    node->output()->replace_all_uses_with(floats);
    node->destroy();
  }
}

}  // namespace calque::passes
