// What sentence encoders end with: the mean of the tokens that a mask selects, and vectors of length one.
#include <algorithm>
#include <optional>
#include <vector>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// sum(x, dim=1) without a dtype.
const Node* sum_of_tokens(const Value* value, const Node& beside) {
  const Node* sum = producer(value, "aten::sum", beside);
  const bool fits = sum != nullptr && sum->inputs.size() == 4 && is_constant_ints(sum->input(1), {1}) &&
                    is_constant_bool(sum->input(2), false) && is_none(sum->input(3));
  return fits ? sum : nullptr;
}

/// [size(x, 0), size(x, 1), size(x, 2)]
bool are_sizes_of(const Value* list, const Value* x) {
  const Node& node = *list->node;
  if (!node.is("prim::ListConstruct") || node.inputs.size() != 3) return false;
  for (int64_t i = 0; i < 3; ++i) {
    const Node& size = *node.input(static_cast<size_t>(i))->node;
    if (!calls(size, "aten::size") || size.inputs.size() != 2 || size.input(0) != x ||
        !is_constant_int(size.input(1), i))
      return false;
  }
  return true;
}

/// What the weights of the tokens are made of.
struct Weights {
  Value* mask = nullptr;
  Value* dtype = nullptr;
  bool is_expanded = false;
  std::vector<const Value*> inner{};
};

/// The mask behind unsqueeze(-1), a cast and an expansion to the sizes of `hidden`, the last two in any
/// order.
std::optional<Weights> weights_of(Value* value, const Value* hidden, const Node& beside) {
  Weights weights;
  for (int step = 0; step < 3; ++step) {
    weights.inner.push_back(value);
    if (const Node* expand = producer(value, "aten::expand", beside); expand != nullptr) {
      if (weights.is_expanded || !are_sizes_of(expand->input(1), hidden)) return std::nullopt;
      weights.is_expanded = true;
      value = expand->input(0);
    } else if (const Node* to = producer(value, "aten::to", beside); to != nullptr) {
      const bool casts = to->op->schema().overload == "dtype" && weights.dtype == nullptr &&
                         constant_of(to->input(1)) != nullptr;
      if (!casts) return std::nullopt;
      weights.dtype = to->input(1);
      value = to->input(0);
    } else {
      const Node* unsqueeze = producer(value, "aten::unsqueeze", beside);
      const bool fits = unsqueeze != nullptr && weights.dtype != nullptr &&
                        (is_constant_int(unsqueeze->input(1), -1) || is_constant_int(unsqueeze->input(1), 2));
      if (!fits) return std::nullopt;
      weights.mask = unsqueeze->input(0);
      return weights;
    }
  }
  return std::nullopt;
}

class Fuser {
 public:
  explicit Fuser(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) {
      if (calls(node, "aten::div") && node.inputs.size() == 2 && !mean(node)) unit_length(node);
    });
  }

 private:
  bool stay(const std::vector<const Value*>& values) {
    return std::ranges::none_of(values, [this](const Value* v) { return writes_.may_be_written(v); });
  }

  /// sum(hidden * weights, 1) / clamp(sum(weights, 1), min=least)
  bool mean(Node& node) {
    const Node* total = sum_of_tokens(node.input(0), node);
    Value* least = nullptr;
    const Value* counted = node.input(1);
    for (const char* name : {"aten::clamp", "aten::clamp_min"}) {
      const Node* clamp = producer(counted, name, node);
      if (clamp == nullptr || least != nullptr) continue;
      if (!constant_number(clamp->input(1)) || (clamp->inputs.size() > 2 && !is_none(clamp->input(2))))
        return false;
      least = clamp->input(1);
      counted = clamp->input(0);
    }
    const Node* count = sum_of_tokens(counted, node);
    if (total == nullptr || count == nullptr) return false;
    const Node* product = producer(total->input(0), "aten::mul", node);
    if (product == nullptr) return false;
    for (const size_t side : {0U, 1U}) {
      if (product->input(side) != count->input(0)) continue;
      Value* hidden = product->input(1 - side);
      std::optional<Weights> weights = weights_of(product->input(side), hidden, node);
      if (!weights) continue;
      std::vector<const Value*> read = {hidden,        weights->mask, product->output(), node.input(0),
                                        node.input(1), counted,       node.output()};
      read.insert(read.end(), weights->inner.begin(), weights->inner.end());
      if (!stay(read)) return false;
      Value* none = insert_constant(IValue(), node);
      replace_by_fused(
          node, "calque::mean_pool",
          {hidden, weights->mask, weights->dtype, insert_constant(IValue(weights->is_expanded), node),
           least == nullptr ? none : least, none, none, none});
      return true;
    }
    return false;
  }

  /// x / max(|x|, least), the divisor expanded or not.
  void unit_length(Node& node) {
    Value* x = node.input(0);
    Value* divisor = node.input(1);
    std::vector<const Value*> inner = {x, divisor, node.output()};
    if (const Node* expand = producer(divisor, "aten::expand_as", node); expand != nullptr) {
      if (expand->input(1) != x) return;
      divisor = expand->input(0);
      inner.push_back(divisor);
    }
    double least = 0;
    if (const Node* clamp = producer(divisor, "aten::clamp_min", node); clamp != nullptr) {
      const std::optional<double> number = constant_number(clamp->input(1));
      if (!number || *number < 0) return;
      least = *number;
      divisor = clamp->input(0);
      inner.push_back(divisor);
    }
    const IValue* dims = norm_dims(divisor, x, node);
    if (dims == nullptr || dims->toIntVector().size() != 1 || !stay(inner)) return;
    replace_by_fused(
        node, "calque::normalize",
        {x, insert_constant(IValue(dims->toIntVector()[0]), node), insert_constant(IValue(least), node)});
  }

  /// The dimensions of a Euclidean norm of x that keeps them; nullptr for something else.
  static const IValue* norm_dims(const Value* value, const Value* x, const Node& beside) {
    for (const char* name : {"aten::linalg_vector_norm", "aten::norm"}) {
      const Node* norm = producer(value, name, beside);
      if (norm == nullptr || norm->inputs.size() < 4 || norm->input(0) != x) continue;
      const bool has_dtype = norm->inputs.size() > 4 && !is_none(norm->input(4));
      const IValue* dims = constant_of(norm->input(2));
      const bool fits = constant_number(norm->input(1)) == 2.0 && is_constant_bool(norm->input(3), true) &&
                        !has_dtype && dims != nullptr && dims->isIntList();
      return fits ? dims : nullptr;
    }
    return nullptr;
  }

  Writes writes_;
};

}  // namespace

void fuse_pooling(Graph& graph) { Fuser(graph).block(graph.block()); }

}  // namespace calque::passes
