// Scores, mask, softmax and product with the values: one operator.
#include <algorithm>
#include <optional>
#include <vector>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

bool swaps_last_two(const Node& node) {
  if (!calls(node, "aten::transpose")) return false;
  const auto is_pair = [&](int64_t a, int64_t b) {
    return is_constant_int(node.input(1), a) && is_constant_int(node.input(2), b);
  };
  return is_pair(-1, -2) || is_pair(-2, -1) || is_pair(2, 3) || is_pair(3, 2);
}

/// The heads of a row come out side by side in memory, which only these readers cannot tell.
bool layout_is_free(const Value* value) {
  return !value->uses.empty() &&
         std::all_of(value->uses.begin(), value->uses.end(), [](const Value::Use& use) {
           return use.offset == 0 && (swaps_heads_and_rows(*use.user) || calls(*use.user, "aten::size") ||
                                      calls(*use.user, "aten::reshape"));
         });
}

/// What is found on the way from the product with the values up to that of queries and keys.
struct Match {
  Value* query = nullptr;
  Value* key = nullptr;
  Value* mask = nullptr;
  Value* fill = nullptr;
  std::optional<double> scale{};
  bool is_divisor = false;
  std::vector<Value*> inner{};  ///< values that are not computed any more
};

class Fuser {
 public:
  explicit Fuser(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) {
      if (calls(node, "aten::scaled_dot_product_attention")) return sdpa(node);
      if (calls(node, "aten::matmul")) eager(node);
    });
  }

 private:
  bool stays(const Value* value) { return value == nullptr || !writes_.may_be_written(value); }

  void sdpa(Node& node) {
    const IValue* scale = constant_of(node.input(6));
    const bool known = constant_number(node.input(4)) == 0.0 && constant_of(node.input(5)) != nullptr &&
                       scale != nullptr && is_constant_bool(node.input(7), false);
    if (!known || !layout_is_free(node.output())) return;
    // One node takes the place of one: a mask that was built in place, as those of decoders are, is read when
    // it was.
    const std::vector<Value*> operands = {node.input(0), node.input(1), node.input(2), node.output()};
    if (!std::all_of(operands.begin(), operands.end(), [this](const Value* v) { return stays(v); })) return;
    Value* none = insert_constant(IValue(), node);
    Value* no = insert_constant(IValue(false), node);
    Value* yes = insert_constant(IValue(true), node);
    replace(node, {node.input(0), node.input(1), node.input(2), node.input(3), none, node.input(6), no,
                   node.input(5), yes});
  }

  void eager(Node& node) {
    const std::optional<Match> match = matched(node);
    if (!match || !layout_is_free(node.output()) || !stays(node.input(1)) || !stays(node.output())) return;
    if (!stays(match->query) || !stays(match->key) || !stays(match->mask)) return;
    if (!std::all_of(match->inner.begin(), match->inner.end(), [this](const Value* v) { return stays(v); }))
      return;
    Value* none = insert_constant(IValue(), node);
    Value* no = insert_constant(IValue(false), node);
    Value* scale = insert_constant(IValue(match->scale.value_or(1.0)), node);
    Value* divisor = insert_constant(IValue(match->is_divisor), node);
    replace(node, {match->query, match->key, node.input(1), match->mask == nullptr ? none : match->mask,
                   match->fill == nullptr ? none : match->fill, scale, divisor, no, no});
  }

  static std::optional<Match> matched(const Node& node) {
    const Node* softmax = producer(node.input(0), "aten::softmax", node);
    if (softmax == nullptr || !has_one_use(softmax->output()) || !is_none(softmax->input(2)))
      return std::nullopt;
    if (!is_constant_int(softmax->input(1), -1) && !is_constant_int(softmax->input(1), 3))
      return std::nullopt;
    Match match;
    match.inner.push_back(softmax->output());
    const Value* scores = masked(match, softmax->input(0), node);
    scores = scaled(match, scores, node);
    const Node* product = producer(scores, "aten::matmul", node);
    if (product == nullptr || !is_inner(match, product->output())) return std::nullopt;
    const Node* turned = producer(product->input(1), "aten::transpose", node);
    if (turned == nullptr || !swaps_last_two(*turned)) return std::nullopt;
    match.query = product->input(0);
    match.key = turned->input(0);
    return match;
  }

  /// Nobody else reads the value, but for its shape by an expand_as that goes, too.
  static bool is_inner(Match& match, Value* value) {
    match.inner.push_back(value);
    return std::all_of(value->uses.begin(), value->uses.end(), [&](const Value::Use& use) {
      const bool is_mask = match.fill != nullptr && calls(*use.user, "aten::expand_as") && use.offset == 1;
      return is_mask ? use.user->output()->uses.size() == 1 : value_uses_without_masks(value) == 1;
    });
  }

  static int64_t value_uses_without_masks(const Value* value) {
    return std::count_if(value->uses.begin(), value->uses.end(),
                         [](const Value::Use& use) { return !calls(*use.user, "aten::expand_as"); });
  }

  static const Value* masked(Match& match, Value* scores, const Node& node) {
    Node* add = producer(scores, "aten::add", node);
    if (add != nullptr && has_one_use(scores) && add->inputs.size() == 3 &&
        is_constant_int(add->input(2), 1) && !constant_number(add->input(1))) {
      match.inner.push_back(scores);
      match.mask = add->input(1);
      return add->input(0);
    }
    Node* fill = producer(scores, "aten::masked_fill", node);
    if (fill == nullptr || !has_one_use(scores)) return scores;
    match.inner.push_back(scores);
    match.mask = fill->input(1);
    match.fill = fill->input(2);
    const Node* expanded = producer(match.mask, "aten::expand_as", node);
    if (expanded != nullptr && expanded->input(1) == fill->input(0)) match.mask = expanded->input(0);
    return fill->input(0);
  }

  static const Value* scaled(Match& match, const Value* scores, const Node& node) {
    for (const std::string_view name : {"aten::div", "aten::mul"}) {
      Node* scale = producer(scores, name, node);
      if (scale == nullptr || scale->inputs.size() != 2 || !is_inner(match, scale->output())) continue;
      const std::optional<double> number = constant_number(scale->input(1));
      if (!number || *number == 0) continue;
      match.scale = number;
      match.is_divisor = name == "aten::div";
      return scale->input(0);
    }
    return scores;
  }

  static void replace(Node& node, std::vector<Value*> inputs) {
    inputs.push_back(insert_constant(IValue(0), node));
    inputs.push_back(insert_constant(IValue(), node));
    replace_by_fused(node, "calque::attention", inputs);
  }

  Writes writes_;
};

}  // namespace

void fuse_attention(Graph& graph) { Fuser(graph).block(graph.block()); }

}  // namespace calque::passes
