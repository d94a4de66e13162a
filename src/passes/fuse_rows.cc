// Layers behind each other that treat rows one by one: one operator, which takes a block of rows through all
// of them.
#include <optional>
#include <vector>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// Places of the arguments of `calque::linear`.
enum : size_t { kInput, kWeight, kBias, kActivation, kResidual, kPrecision };

class RowFuser {
 public:
  explicit RowFuser(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for (Node* node = b.first(); node != b.return_node(); node = node->next) {
      for (auto& inner : node->blocks) block(*inner);
      if (calls(*node, "calque::linear")) node = fuse(*node);
    }
  }

 private:
  /// The node behind which to go on.
  Node* fuse(Node& linear) {
    Node* second = next_linear(linear);
    Node& last = second == nullptr ? linear : *second;
    Node* norm = norm_after(last);
    const bool pays = norm != nullptr || (second != nullptr && !is_none(last.input(kResidual)));
    if (!pays || !keeps_its_inputs(linear) || !keeps_its_inputs(last)) return &linear;
    Node& place = norm == nullptr ? last : *norm;
    std::vector<Value*> inputs = {linear.input(kInput)};
    append_layer(inputs, linear);
    if (second != nullptr) append_layer(inputs, *second);
    inputs.push_back(last.input(kResidual));
    append_norm(inputs, norm, place);
    Node* fused =
        insert_fused(second == nullptr ? "calque::linear_norm" : "calque::feed_forward", inputs, place);
    fused->output()->hint = place.output()->hint;
    place.output()->replace_all_uses_with(fused->output());
    Node* before = linear.prev;
    if (norm != nullptr) norm->destroy();
    if (second != nullptr) second->destroy();
    linear.destroy();
    return before;
  }

  /// The only reader of a value, when it reads it as its first argument alone, in the same block.
  static Node* only_reader(const Node& node) {
    if (!has_one_use(node.output())) return nullptr;
    const Value::Use& use = node.output()->uses[0];
    return use.offset == 0 && use.user->owner == node.owner ? use.user : nullptr;
  }

  /// The linear that reads this one's result and nothing else of it.
  Node* next_linear(const Node& linear) {
    if (!is_none(linear.input(kResidual)) || writes_.may_be_written(linear.output())) return nullptr;
    Node* reader = only_reader(linear);
    return reader != nullptr && calls(*reader, "calque::linear") ? reader : nullptr;
  }

  Node* norm_after(const Node& linear) {
    if (writes_.may_be_written(linear.output())) return nullptr;
    Node* reader = only_reader(linear);
    if (reader == nullptr || !calls(*reader, "aten::layer_norm")) return nullptr;
    const IValue* shape = constant_of(reader->input(1));
    const bool over_rows =
        shape != nullptr && shape->isList() && shape->isIntList() && shape->toIntVector().size() == 1;
    return over_rows ? reader : nullptr;
  }

  /// They are read later than before.
  bool keeps_its_inputs(const Node& linear) {
    for (const size_t i : {kInput, kWeight, kBias, kResidual}) {
      if (writes_.may_be_written(linear.input(i))) return false;
    }
    return true;
  }

  static void append_layer(std::vector<Value*>& inputs, const Node& linear) {
    for (const size_t i : {kWeight, kBias, kActivation, kPrecision}) inputs.push_back(linear.input(i));
  }

  static void append_norm(std::vector<Value*>& inputs, const Node* norm, Node& place) {
    if (norm == nullptr) {
      Value* none = insert_constant(IValue(), place);
      inputs.insert(inputs.end(), {none, none, none, insert_constant(IValue(0.0), place)});
      return;
    }
    constexpr size_t kLast = 5;  // shape, weight, bias, eps
    for (size_t i = 1; i < kLast; ++i) inputs.push_back(norm->input(i));
  }

  Writes writes_;
};

}  // namespace

void fuse_rows(Graph& graph) {
  RowFuser(graph).block(graph.block());
  remove_dead_code(graph);
}

}  // namespace calque::passes
