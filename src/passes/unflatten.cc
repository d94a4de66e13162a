// Linear layers whose input is flattened to a matrix, and whose result is viewed with the input's leading
// dimensions again, as Conv1D of Transformers does:
//
//   linear(x.view(-1, x.size(-1)), weight, bias).view(x.size(0), …, columns)   becomes   linear(x, weight,
//   bias)
//
// where the program says how many dimensions x has, and the weight and the bias are constants, as in a frozen
// module: of attributes nobody knows the sizes before a run.
#include <optional>
#include <unordered_map>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/rank.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

class Unflattener {
 public:
  explicit Unflattener(Graph& graph) { writes_.add(graph, false); }

  void block(Block& b) {
    for_each_node(b, [this](Node& node) {
      note_rank(node);
      if (is_view(node)) visit(node);
    });
  }

 private:
  static bool is_view(const Node& node) { return calls(node, "aten::view") || calls(node, "aten::reshape"); }

  bool stays(const Value* value) { return !writes_.may_be_written(value); }

  std::optional<int64_t> rank_of(const Value* value) const {
    const auto at = ranks_.find(value);
    return at == ranks_.end() ? std::nullopt : std::optional(at->second);
  }

  void note_rank(const Node& node) {
    if (node.op == nullptr || node.outputs.size() != 1) return;
    const auto rank = result_rank(node, [this](const Value* value) { return rank_of(value); });
    if (rank) ranks_.emplace(node.output(), *rank);
  }

  /// `size` is that of the dimension of x, which has `rank` of them.
  static bool is_size(const Value* size, const Value* x, int64_t dim, int64_t rank) {
    const Node& node = *size->node;
    return calls(node, "aten::size") && node.inputs.size() == 2 && node.input(0) == x &&
           (is_constant_int(node.input(1), dim) || is_constant_int(node.input(1), dim - rank));
  }

  /// x of x.view(-1, x.size(-1)), if it has `rank` dimensions.
  Value* flattened(const Value* rows, int64_t rank) const {
    const Node& view = *rows->node;
    if (!is_view(view) || rank_of(view.input(0)) != rank) return nullptr;
    const Node& sizes = *view.input(1)->node;
    const bool fits = sizes.is("prim::ListConstruct") && sizes.inputs.size() == 2 &&
                      is_constant_int(sizes.input(0), -1) &&
                      is_size(sizes.input(1), view.input(0), rank - 1, rank);
    return fits ? view.input(0) : nullptr;
  }

  /// [x.size(0), …, a number]; 1 may stand for a weight of one dimension.
  static bool are_sizes_of(const Node& sizes, const Value* x) {
    const size_t last = sizes.inputs.size() - 1;
    for (size_t i = 0; i < last; ++i) {
      if (!is_size(sizes.input(i), x, static_cast<int64_t>(i), static_cast<int64_t>(last + 1))) return false;
    }
    const IValue* columns = constant_of(sizes.input(last));
    return columns != nullptr && columns->isInt() && columns->toInt() > 1;
  }

  /// The module's constants say so: [columns, k] and, if any, [columns].
  static bool has_columns(const Node& linear, int64_t columns) {
    const IValue* weight = constant_of(linear.input(1));
    const IValue* bias = constant_of(linear.input(2));
    if (weight == nullptr || bias == nullptr || !weight->isTensor()) return false;
    const Tensor matrix = weight->toTensor();
    if (!matrix.defined() || matrix.dim() != 2 || matrix.size(0) != columns) return false;
    if (bias->isNone()) return true;
    return bias->isTensor() && bias->toTensor().defined() && bias->toTensor().dim() == 1;
  }

  void visit(Node& view) {
    Node* linear = producer(view.input(0), "aten::linear", view);
    const Node& sizes = *view.input(1)->node;
    if (linear == nullptr || !has_one_use(linear->output()) || !sizes.is("prim::ListConstruct") ||
        sizes.inputs.size() < 2)
      return;
    Value* x = flattened(linear->input(0), static_cast<int64_t>(sizes.inputs.size()));
    if (x == nullptr || !are_sizes_of(sizes, x) ||
        !has_columns(*linear, constant_of(sizes.inputs.back())->toInt()) || !stays(x) ||
        !stays(view.output()))
      return;
    linear->replace_input(0, x);
    linear->output()->hint = view.output()->hint;
    ranks_[linear->output()] = static_cast<int64_t>(sizes.inputs.size());
    view.output()->replace_all_uses_with(linear->output());
    view.destroy();
  }

  Writes writes_;
  std::unordered_map<const Value*, int64_t> ranks_;
};

}  // namespace

void unflatten(Graph& graph) {
  Unflattener(graph).block(graph.block());
  remove_dead_code(graph);
}

}  // namespace calque::passes
