// Activations that programs write out, as Transformers' activations.py does, become the operators that
// compute them: the two forms of GELU (https://arxiv.org/abs/1606.08415), and x * sigmoid(1.702 x).
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "ops/fused.h"
#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

using ops::LinearActivation;

/// How far what programs write for sqrt(2 / pi) may be from its value, relatively.
constexpr double kTolerance = 2e-9;
constexpr int kMostSteps = 8;

/// Factors of 1, x, x^2 and x^3.
using Polynomial = std::array<double, 4>;

bool is_near(const Polynomial& found, const Polynomial& wanted) {
  for (size_t i = 0; i < found.size(); ++i) {
    if (std::abs(found[i] - wanted[i]) > kTolerance * std::abs(wanted[i])) return false;
  }
  return true;
}

std::optional<Polynomial> product(const Polynomial& a, const Polynomial& b) {
  Polynomial out{};
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j) {
      if (a[i] == 0 || b[j] == 0) continue;
      if (i + j >= out.size()) return std::nullopt;
      out[i + j] += a[i] * b[j];
    }
  }
  return out;
}

/// What a value is as a polynomial of another one.
class Reader {
 public:
  explicit Reader(const Value* x) : x_(x) {}

  std::optional<Polynomial> read(const Value* value, int steps = kMostSteps) {
    if (value == x_) return Polynomial{0, 1, 0, 0};
    if (const std::optional<double> number = constant_number(value)) return Polynomial{*number, 0, 0, 0};
    const Node& node = *value->node;
    if (steps == 0 || node.op == nullptr || node.inputs.size() < 2) return std::nullopt;
    inner_.push_back(value);
    const std::optional<Polynomial> a = read(node.input(0), steps - 1);
    if (!a) return std::nullopt;
    if (calls(node, "aten::pow")) return power(*a, node.input(1));
    const std::optional<Polynomial> b = read(node.input(1), steps - 1);
    if (!b) return std::nullopt;
    if (calls(node, "aten::mul") && node.inputs.size() == 2) return product(*a, *b);
    if (calls(node, "aten::div") && node.inputs.size() == 2 && is_near(*b, {(*b)[0], 0, 0, 0}))
      return product(*a, {1 / (*b)[0], 0, 0, 0});
    if (!calls(node, "aten::add") || node.inputs.size() != 3 || !is_constant_int(node.input(2), 1))
      return std::nullopt;
    Polynomial sum{};
    std::ranges::transform(*a, *b, sum.begin(), std::plus<>());
    return sum;
  }

  /// What was read on the way.
  const std::vector<const Value*>& inner() const { return inner_; }

 private:
  static std::optional<Polynomial> power(const Polynomial& a, const Value* exponent) {
    const std::optional<double> number = constant_number(exponent);
    if (number == 2.0) return product(a, a);
    if (number != 3.0) return std::nullopt;
    const std::optional<Polynomial> square = product(a, a);
    return square ? product(*square, a) : std::nullopt;
  }

  const Value* x_;
  std::vector<const Value*> inner_;
};

class Finder {
 public:
  explicit Finder(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) {
      if (calls(node, "aten::mul") && node.inputs.size() == 2) visit(node);
    });
  }

 private:
  void visit(Node& node) {
    for (size_t side = 0; side < 2; ++side) {
      Value* factor = node.input(side);
      const Value* gate = node.input(1 - side);
      if (gate->node->op == nullptr || factor->type->kind() != TypeKind::Tensor) continue;
      if (calls(*gate->node, "aten::sigmoid")) {
        if (is(gate->node->input(), factor, {0, 1.702, 0, 0}, {gate, node.output()}))
          return replace(node, factor, LinearActivation::kQuickGelu);
      } else if (Value* x = twice(factor)) {
        if (gelu(node, x, gate, factor)) return;
      }
    }
  }

  /// x of x * 0.5.
  static Value* twice(const Value* half) {
    const Node& node = *half->node;
    const bool scales = calls(node, "aten::mul") || calls(node, "aten::div");
    if (!scales || node.inputs.size() != 2) return nullptr;
    for (const size_t i : {0U, 1U}) {
      const std::optional<Polynomial> scaled = Reader(node.input(i)).read(half);
      if (scaled && is_near(*scaled, {0, 0.5, 0, 0}) && node.input(i)->type->kind() == TypeKind::Tensor)
        return node.input(i);
    }
    return nullptr;
  }

  /// `gate` is 1 + f(…).
  bool gelu(Node& node, Value* x, const Value* gate, const Value* half) {
    const Node& sum = *gate->node;
    if (!calls(sum, "aten::add") || sum.inputs.size() != 3 || !is_constant_int(sum.input(2), 1)) return false;
    for (const size_t i : {0U, 1U}) {
      const Value* curve = sum.input(i);
      if (constant_number(sum.input(1 - i)) != 1.0 || curve->node->op == nullptr) continue;
      const std::vector<const Value*> more = {half, gate, curve, node.output()};
      const double scale = std::sqrt(2 / std::numbers::pi);
      if (calls(*curve->node, "aten::tanh") &&
          is(curve->node->input(), x, {0, scale, 0, scale * 0.044715}, more)) {
        replace(node, x, LinearActivation::kGeluTanh);
        return true;
      }
      if (calls(*curve->node, "aten::erf") &&
          is(curve->node->input(), x, {0, 1 / std::numbers::sqrt2, 0, 0}, more)) {
        replace(node, x, LinearActivation::kGelu);
        return true;
      }
    }
    return false;
  }

  /// Nothing that the expression is made of is written to.
  bool is(const Value* value, const Value* x, const Polynomial& wanted, std::vector<const Value*> more) {
    Reader reader(x);
    const std::optional<Polynomial> found = reader.read(value);
    if (!found || !is_near(*found, wanted)) return false;
    more.insert(more.end(), reader.inner().begin(), reader.inner().end());
    more.push_back(x);
    return std::ranges::none_of(more, [this](const Value* v) { return writes_.may_be_written(v); });
  }

  static void replace(Node& node, Value* x, LinearActivation activation) {
    Value* number = insert_constant(IValue(static_cast<int64_t>(activation)), node);
    replace_by_fused(node, "calque::activation", {x, number});
  }

  Writes writes_;
};

}  // namespace

void find_activations(Graph& graph) {
  Finder(graph).block(graph.block());
  remove_dead_code(graph);
}

}  // namespace calque::passes
