// A head of which one row is read computes that row: `select(f(x))` of f that treats rows one by one becomes
// `f(select(x))`, up to where rows meet.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/rank.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// Longer ways to a value whose rank is known are not followed.
constexpr int kMostSteps = 64;

constexpr std::array<std::string_view, 7> kUnary = {"aten::gelu",        "aten::relu",       "aten::tanh",
                                                    "aten::silu",        "aten::contiguous", "aten::sigmoid",
                                                    "calque::activation"};
constexpr std::array<std::string_view, 4> kBinary = {"aten::add", "aten::sub", "aten::mul", "aten::div"};

bool calls_one_of(const Node& node, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return calls(node, name); });
}

bool are_constant_ints(const Node& node, size_t first, const std::vector<int64_t>& wanted) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!is_constant_int(node.input(first + i), wanted[i])) return false;
  }
  return true;
}

/// Takes the first or the last row: of one row that stands for all of them, the same.
bool is_selection(const Node& node) {
  if (calls(node, "aten::select")) return are_constant_ints(node, 2, {0}) || are_constant_ints(node, 2, {-1});
  return calls(node, "aten::slice") && node.inputs.size() == 5 &&
         (are_constant_ints(node, 2, {-1, INT64_MAX, 1}) || are_constant_ints(node, 2, {0, 1, 1}));
}

/// `x[:]` of the first dimension.
bool is_whole(const Node& node) {
  return calls(node, "aten::slice") && node.inputs.size() == 5 &&
         are_constant_ints(node, 1, {0, 0, INT64_MAX, 1});
}

/// The same rows along the same dimension.
bool selects_alike(const Node& a, const Node& b) {
  if (a.op != b.op || a.owner != b.owner || !is_selection(b)) return false;
  for (size_t i = 1; i < a.inputs.size(); ++i) {
    const IValue* wanted = constant_of(a.input(i));
    if (wanted == nullptr || !wanted->isInt() || !is_constant_int(b.input(i), wanted->toInt())) return false;
  }
  return true;
}

/// Asks each value on the ways to one for its rank once.
class Ranks {
 public:
  std::optional<int64_t> of(const Value* value, int steps = kMostSteps) {
    if (steps == 0 || value->node->op == nullptr) return std::nullopt;
    if (const auto at = known_.find(value); at != known_.end()) return at->second;
    const auto rank =
        result_rank(*value->node, [&](const Value* argument) { return of(argument, steps - 1); });
    known_.emplace(value, rank);
    return rank;
  }

 private:
  std::unordered_map<const Value*, std::optional<int64_t>> known_;
};

/// The places of the operands whose rows give the rows of the result; none when rows meet.
std::vector<size_t> row_operands(const Node& node) {
  if (calls(node, "calque::linear") && !treats_rows_alone(node)) return {};
  if (calls(node, "calque::linear"))
    return is_none(node.input(4)) ? std::vector<size_t>{0} : std::vector<size_t>{0, 4};
  if (calls_one_of(node, kUnary)) return {0};
  if (calls(node, "aten::layer_norm")) {
    const IValue* shape = constant_of(node.input(1));
    return shape != nullptr && shape->toIntVector().size() == 1 ? std::vector<size_t>{0}
                                                                : std::vector<size_t>{};
  }
  if (!calls_one_of(node, kBinary)) return {};
  return constant_number(node.input(1)) ? std::vector<size_t>{0} : std::vector<size_t>{0, 1};
}

class Hoister {
 public:
  explicit Hoister(Graph& graph) { writes_.add(graph, false); }

  /// From the last node to the first, so that what is hoisted is met again.
  void block(Block& b) {
    for (Node* node = b.last(); node != b.param_node(); node = node->prev) {
      for (auto& inner : node->blocks) block(*inner);
      if (is_selection(*node)) look_behind_slices(*node);
      if (node->outputs.size() == 1) visit(*node);
    }
  }

 private:
  bool stays(const Value* value) { return !writes_.may_be_written(value); }

  void look_behind_slices(Node& selection) {
    while (is_whole(*selection.input(0)->node) && stays(selection.input(0))) {
      Node* slice = selection.input(0)->node;
      selection.replace_input(0, slice->input(0));
      if (!slice->output()->has_uses()) slice->destroy();
    }
  }

  /// A row-wise node of whose result only the same rows are read.
  void visit(Node& node) {
    const std::vector<size_t> operands = row_operands(node);
    const std::vector<Value::Use> uses = node.output()->uses;
    if (operands.empty() || uses.empty() || !stays(node.output()) || !is_selection(*uses[0].user)) return;
    const Node& model = *uses[0].user;
    const bool alike = std::ranges::all_of(uses, [&](const Value::Use& use) {
      return use.offset == 0 && selects_alike(model, *use.user) && stays(use.user->output());
    });
    if (!alike || model.owner != node.owner || !leaves_last_dimension(model, node, operands)) return;
    for (const size_t i : operands) node.replace_input(i, selected(node.input(i), model));
    for (const Value::Use& use : uses) {
      use.user->output()->replace_all_uses_with(node.output());
      use.user->destroy();
    }
  }

  /// All operands have the same known rank, and no row is cut.
  bool leaves_last_dimension(const Node& model, const Node& node, const std::vector<size_t>& operands) {
    Ranks ranks;
    const std::optional<int64_t> rank = ranks.of(node.input(operands[0]));
    if (!rank) return false;
    const int64_t dim = constant_of(model.input(1))->toInt();
    if ((dim < 0 ? dim + *rank : dim) >= *rank - 1 || dim < -*rank) return false;
    // From the end, dimensions would be counted anew; here all have the same rank.
    return std::ranges::all_of(
        operands, [&](size_t i) { return stays(node.input(i)) && ranks.of(node.input(i)) == rank; });
  }

  /// The selected rows of `value`, taken right behind its producer.
  static Value* selected(Value* value, const Node& model) {
    Block& block = *model.owner;
    for (const Value::Use& use : value->uses) {
      if (use.offset == 0 && use.user->owner == &block && is_selection(*use.user) &&
          selects_alike(model, *use.user) && is_hoisted(*use.user))
        return use.user->output();
    }
    const bool is_inside = value->node->owner == &block && value->node != block.param_node();
    Node& place = is_inside ? *value->node->next : *block.first();
    std::vector<Value*> inputs = {value};
    for (size_t i = 1; i < model.inputs.size(); ++i)
      inputs.push_back(insert_constant(*constant_of(model.input(i)), place));
    Node* select = block.graph().create(model.kind, inputs);
    select->op = model.op;
    select->range = model.range;
    select->scope = model.scope;
    select->add_output(model.output()->type);
    select->insert_before(&place);
    return select->output();
  }

  /// It stands right behind the producer of what it reads, but for its constants.
  static bool is_hoisted(const Node& select) {
    const Node* before = select.prev;
    while (before->is("prim::Constant")) before = before->prev;
    return before == select.input(0)->node;
  }

  Writes writes_;
};

}  // namespace

void hoist_select(Graph& graph) {
  if (count_nodes(graph.block()) > kMostNodesToSearch) return;
  Hoister(graph).block(graph.block());
  remove_dead_code(graph);
}

}  // namespace calque::passes
