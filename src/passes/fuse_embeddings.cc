// Rows of several tables by index, their sum, layer norm: one operator.
#include <algorithm>
#include <vector>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// What stands between a layer norm and the tables: sums from the last to the first, and the embeddings in
/// the order of their addition.
struct Match {
  std::vector<Node*> sums{}, embeddings{};
  bool in_place = false;
};

class Fuser {
 public:
  explicit Fuser(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) {
      if (calls(node, "aten::layer_norm")) visit(node);
    });
  }

 private:
  void visit(Node& norm) {
    Match match;
    if (!collect(match, norm.input(0), norm)) return;
    const size_t tables = match.embeddings.size();
    if (tables < 2 || tables > 3 || !stays(norm.output())) return;
    for (const size_t i : {1U, 2U, 3U}) {
      if (!stays(norm.input(i))) return;
    }
    std::vector<Value*> inputs;
    for (const Node* embedding : match.embeddings) {
      inputs.push_back(embedding->input(0));
      inputs.push_back(embedding->input(1));
    }
    while (inputs.size() < 6) inputs.push_back(insert_constant(IValue(), norm));
    for (size_t i = 1; i < 5; ++i) inputs.push_back(norm.input(i));
    inputs.push_back(insert_constant(IValue(match.in_place), norm));
    replace_by_fused(norm, "calque::embedding_sum", inputs);
    for (Node* sum : match.sums) sum->destroy();
    for (Node* embedding : match.embeddings) take_apart(*embedding);
  }

  bool stays(const Value* value) { return !writes_.may_be_written(value); }

  /// The summands of `value`, which nobody but `reader` reads.
  bool collect(Match& match, Value* value, const Node& reader) {
    if (Node* embedding = producer(value, "aten::embedding", reader)) {
      if (std::ranges::find(match.embeddings, embedding) != match.embeddings.end()) return false;
      match.embeddings.push_back(embedding);
      return only_sized(value, reader) && stays(embedding->input(0)) && stays(embedding->input(1));
    }
    if (Node* sum = producer(value, "aten::add", reader)) {
      match.sums.push_back(sum);
      return (stays(value) || match.in_place) && summands(match, *sum);
    }
    // What is written to in place is a new sum that only this addition and this reader see.
    Node* sum = producer(value, "aten::add_", reader);
    if (sum == nullptr || !match.sums.empty() || producer(sum->input(0), "aten::add", *sum) == nullptr)
      return false;
    match.sums.push_back(sum);
    match.in_place = true;
    return summands(match, *sum);
  }

  /// The inner sum first: a + (b + c) has the bits of (b + c) + a.
  bool summands(Match& match, const Node& sum) {
    if (sum.inputs.size() != 3 || !is_constant_int(sum.input(2), 1) || !has_one_use(sum.output()))
      return false;
    const size_t first = producer(sum.input(1), "aten::add", sum) == nullptr ? 0 : 1;
    return sum.input(0) != sum.input(1) && collect(match, sum.input(first), sum) &&
           collect(match, sum.input(1 - first), sum);
  }

  /// Others than the reader ask for sizes only, which the indices know, too.
  static bool only_sized(const Value* value, const Node& reader) {
    return std::all_of(value->uses.begin(), value->uses.end(), [&](const Value::Use& use) {
      const bool sizes = calls(*use.user, "aten::size") && use.user->inputs.size() == 2;
      return sizes || use.user == &reader;
    });
  }

  static void take_apart(Node& embedding) {
    const std::vector<Value::Use> uses = embedding.output()->uses;
    for (const Value::Use& use : uses) {
      Node* size = insert_fused("calque::embedding_size",
                                {embedding.input(0), embedding.input(1), use.user->input(1)}, *use.user);
      use.user->output()->replace_all_uses_with(size->output());
      use.user->destroy();
    }
    embedding.destroy();
  }

  Writes writes_;
};

}  // namespace

void fuse_embeddings(Graph& graph) { Fuser(graph).block(graph.block()); }

}  // namespace calque::passes
