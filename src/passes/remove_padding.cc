// A padded batch computes its real tokens only: between the embeddings and what is read from the last layer,
// every operator but attention treats tokens one by one, and attention knows where sequences begin.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// How a tensor of the region holds its tokens: [batch, length, …] or [batch, heads, length, size].
enum class Layout { kTokens, kHeads };

constexpr std::array<std::string_view, 8> kUnary = {"aten::gelu",  "aten::relu",        "aten::tanh",
                                                    "aten::silu",  "aten::contiguous",  "aten::sigmoid",
                                                    "aten::relu6", "calque::activation"};
constexpr std::array<std::string_view, 4> kBinary = {"aten::add", "aten::sub", "aten::mul", "aten::div"};
/// What a mask passes through on its way from the argument.
constexpr std::array<std::string_view, 14> kMaskSteps = {
    "aten::to",      "aten::unsqueeze",  "aten::slice", "aten::expand",      "aten::rsub",
    "aten::sub",     "aten::mul",        "aten::eq",    "aten::masked_fill", "aten::expand_as",
    "aten::type_as", "aten::contiguous", "aten::float", "aten::view"};

/// Longer ways from an argument to a mask are not followed.
constexpr int kMostMaskSteps = 64;

template <size_t kCount>
bool calls_one_of(const Node& node, const std::array<std::string_view, kCount>& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return calls(node, name); });
}

/// The argument of the graph that a mask was made from; nullptr when that cannot be told.
const Value* root_of_mask(const Value* value) {
  while (!(value->node == value->node->owner->param_node())) {
    if (!calls_one_of(*value->node, kMaskSteps)) return nullptr;
    const Value* next = nullptr;
    for (const Value* input : value->node->inputs) {
      const bool counts = input->type->kind() == TypeKind::Tensor && !constant_number(input);
      if (counts && !calls(*input->node, "aten::device") && next == nullptr) next = input;
      // 1.0 as a tensor that is moved to the device.
      if (next == input && calls(*input->node, "aten::to") && constant_number(input->node->input(0)))
        next = nullptr;
    }
    if (next == nullptr) return nullptr;
    value = next;
  }
  return value;
}

class Region {
 public:
  Region(Graph& graph, Writes& writes) : graph_(graph), writes_(writes) {}

  /// False, with nothing changed, when the tokens behind this attention cannot be packed.
  bool pack(Node& attention) {
    mask_ = attention.input(3);
    first_attention_ = &attention;
    entry_ = entry_of(attention);
    if (is_none(mask_) || entry_ == nullptr || writes_.may_be_written(entry_)) return false;
    if (writes_.may_be_written(mask_)) return false;
    if (!explore() || attentions_.empty() || !mask_is_ready()) return false;
    rewrite();
    return true;
  }

 private:
  /// The tokens that queries are made of.
  static Value* entry_of(const Node& attention) {
    const Value* value = attention.input(0);
    const std::array<std::string_view, 6> steps = {"aten::transpose", "aten::permute", "aten::view",
                                                   "aten::reshape",   "aten::div",     "aten::mul"};
    while (calls_one_of(*value->node, steps)) {
      value = value->node->input(0);
    }
    const bool is_linear = calls(*value->node, "calque::linear") || calls(*value->node, "calque::linear_2") ||
                           calls(*value->node, "calque::linear_3");
    return is_linear && value->node->owner == attention.owner ? value->node->input(0) : nullptr;
  }

  std::optional<Layout> layout(const Value* value) const {
    const auto at = layouts_.find(value);
    return at == layouts_.end() ? std::nullopt : std::optional(at->second);
  }
  bool is_tokens(const Value* value) const { return layout(value) == Layout::kTokens; }
  bool is_heads(const Value* value) const { return layout(value) == Layout::kHeads; }

  bool explore() {
    layouts_.emplace(entry_, Layout::kTokens);
    const Node* start = entry_->node == entry_->node->owner->param_node() ? nullptr : entry_->node;
    Block& block = *first_attention_->owner;
    for (Node* node = start == nullptr ? block.first() : start->next; node != block.return_node();
         node = node->next) {
      const bool reads = std::any_of(node->inputs.begin(), node->inputs.end(),
                                     [this](const Value* v) { return layouts_.contains(v); });
      if (reads && !visit(*node)) return false;
      if (!node->blocks.empty() && reads_inside(*node)) return false;
    }
    return leaves_well(*block.return_node());
  }

  bool reads_inside(const Node& node) const {
    return std::any_of(layouts_.begin(), layouts_.end(), [&](const auto& entry) {
      return std::any_of(entry.first->uses.begin(), entry.first->uses.end(), [&](const Value::Use& use) {
        const Node* user = use.user;
        while (user->owner->owning_node() != nullptr && user->owner != node.owner)
          user = user->owner->owning_node();
        return user == &node;
      });
    });
  }

  bool visit(Node& node) {
    if (calls(node, "aten::size")) return true;
    if (const std::optional<Layout> result = result_of(node)) {
      for (Value* output : node.outputs) {
        if (writes_.may_be_written(output)) return false;
        layouts_.emplace(output, *result);
      }
      nodes_.push_back(&node);
      return true;
    }
    return leaves_well(node);
  }

  std::optional<Layout> result_of(Node& node) {
    if (calls(node, "calque::attention")) return attention(node);
    if (node.kind.starts_with("calque::linear") && !treats_rows_alone(node)) return std::nullopt;
    if (calls(node, "calque::linear")) {
      const bool fits = is_tokens(node.input(0)) && (is_none(node.input(4)) || is_tokens(node.input(4)));
      return fits ? std::optional(Layout::kTokens) : std::nullopt;
    }
    if (calls(node, "calque::linear_2") || calls(node, "calque::linear_3"))
      return is_tokens(node.input(0)) ? std::optional(Layout::kTokens) : std::nullopt;
    if (calls(node, "aten::layer_norm")) {
      const IValue* shape = constant_of(node.input(1));
      const bool fits = is_tokens(node.input(0)) && shape != nullptr && shape->toIntVector().size() == 1;
      return fits ? std::optional(Layout::kTokens) : std::nullopt;
    }
    if (calls(node, "aten::view") || calls(node, "aten::reshape")) return view(node);
    if (calls(node, "aten::transpose") || calls(node, "aten::permute")) return turn(node);
    if (calls_one_of(node, kUnary)) return layout(node.input(0));
    if (calls_one_of(node, kBinary) && constant_number(node.input(1))) return layout(node.input(0));
    if (calls_one_of(node, kBinary) && is_tokens(node.input(0)) && is_tokens(node.input(1)))
      return Layout::kTokens;
    return std::nullopt;
  }

  std::optional<Layout> attention(Node& node) {
    const bool fits = is_heads(node.input(0)) && is_heads(node.input(1)) && is_heads(node.input(2)) &&
                      is_same_mask(node) && is_constant_bool(node.input(7), false) && is_none(node.input(10));
    if (!fits) return std::nullopt;
    attentions_.push_back(&node);
    return Layout::kHeads;
  }

  std::optional<Layout> turn(const Node& node) const {
    if (!swaps_heads_and_rows(node) || !layout(node.input(0))) return std::nullopt;
    return is_tokens(node.input(0)) ? Layout::kHeads : Layout::kTokens;
  }

  /// [batch, length or -1, constants …] of a tensor that holds its tokens in that order.
  std::optional<Layout> view(const Node& node) const {
    const Node& list = *node.input(1)->node;
    if (!is_tokens(node.input(0)) || !list.is("prim::ListConstruct") || list.inputs.size() < 3)
      return std::nullopt;
    const bool length_is_open = is_constant_int(list.input(1), -1);
    if (dimension_of(list.input(0)) != 0 || !(length_is_open || dimension_of(list.input(1)) == 1))
      return std::nullopt;
    for (size_t i = 2; i < list.inputs.size(); ++i) {
      const IValue* size = constant_of(list.input(i));
      if (size == nullptr || !size->isInt() || (size->toInt() < 0 && length_is_open)) return std::nullopt;
    }
    return Layout::kTokens;
  }

  /// 0 for the size of the batch, 1 for the length, as they are read from a tensor of the region.
  std::optional<int64_t> dimension_of(const Value* size) const {
    const Node& node = *size->node;
    if (!calls(node, "aten::size") || node.inputs.size() != 2 || !layout(node.input(0))) return std::nullopt;
    if (is_constant_int(node.input(1), 0)) return 0;
    return is_constant_int(node.input(1), is_heads(node.input(0)) ? 2 : 1) ? std::optional<int64_t>(1)
                                                                           : std::nullopt;
  }

  static bool is_first_token(const Node& node) {
    return calls(node, "aten::select") && is_constant_int(node.input(1), 1) &&
           is_constant_int(node.input(2), 0);
  }

  /// `x[:]` whose readers take the first token.
  static bool is_whole_batch(const Node& node) {
    return calls(node, "aten::slice") && is_constant_int(node.input(1), 0) &&
           is_constant_int(node.input(2), 0) && is_constant_int(node.input(3), INT64_MAX) &&
           is_constant_int(node.input(4), 1) &&
           std::all_of(node.output()->uses.begin(), node.output()->uses.end(),
                       [](const Value::Use& use) { return is_first_token(*use.user); });
  }

  /// Zeros at padded positions are fine for this reader: it hands them out, takes the first token, multiplies
  /// by the mask, or takes the mean of what the mask selects.
  bool leaves_well(Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      Value* value = node.input(i);
      if (!layouts_.contains(value) || value == entry_) continue;
      if (is_heads(value)) return false;
      const bool hands_out = node.is("prim::TupleConstruct") || node.is("prim::DictConstruct") ||
                             &node == node.owner->return_node();
      const bool takes_first = i == 0 && (is_first_token(node) || is_whole_batch(node));
      const bool masks = calls(node, "aten::mul") && node.input(1 - i)->type->kind() == TypeKind::Tensor &&
                         root_of_mask(mask_) != nullptr &&
                         root_of_mask(node.input(1 - i)) == root_of_mask(mask_);
      const bool pools = i == 0 && calls(node, "calque::mean_pool") && is_none(node.input(5)) &&
                         root_of_mask(mask_) != nullptr && root_of_mask(node.input(1)) == root_of_mask(mask_);
      if (!hands_out && !takes_first && !masks && !pools) return false;
      exits_.push_back({&node, i});
    }
    return true;
  }

  /// Layers may make the same mask again, each from the sizes of its own input.
  bool is_same_mask(const Node& attention) const {
    int steps = kMostMaskSteps;
    return !writes_.may_be_written(attention.input(3)) && is_same(attention.input(3), mask_, steps) &&
           is_same(attention.input(4), first_attention_->input(4), steps) &&
           is_same(attention.input(8), first_attention_->input(8), steps);
  }

  bool is_same(const Value* a, const Value* b, int& steps) const {
    if (a == b) return true;
    if (--steps < 0) return false;
    const IValue* constant = constant_of(a);
    if (constant != nullptr && constant_of(b) != nullptr)
      return is_equal_constant(*constant, *constant_of(b));
    const std::optional<int64_t> dimension = dimension_of(a);
    if (dimension && dimension == dimension_of(b)) return true;
    const Node &x = *a->node, &y = *b->node;
    const bool alike = x.kind == y.kind && x.op == y.op && x.inputs.size() == y.inputs.size() &&
                       !x.inputs.empty() && x.blocks.empty() &&
                       (x.op != nullptr || x.is("prim::ListConstruct"));
    if (!alike || has_effect(x) || a->offset != b->offset) return false;
    for (size_t i = 0; i < x.inputs.size(); ++i) {
      if (!is_same(x.input(i), y.input(i), steps)) return false;
    }
    return true;
  }

  static bool is_equal_constant(const IValue& a, const IValue& b) {
    if (a.tag() != b.tag()) return false;
    if (a.isNone()) return true;
    if (a.isInt() || a.isDouble()) return a.toScalar().to_double() == b.toScalar().to_double();
    if (a.isBool()) return a.toBool() == b.toBool();
    if (a.isTensor())
      return a.toTensor().defined() && b.toTensor().defined() && equal(a.toTensor(), b.toTensor());
    return a.isString() && a.toStringRef() == b.toStringRef();
  }

  bool comes_before_region(const Node* node) const {
    for (const Node* at = nodes_.front()->prev; at != node->owner->param_node(); at = at->prev) {
      if (at == node) return true;
    }
    return node == node->owner->param_node();
  }

  /// Collects what has to be moved before the region, so that the mask is known there; false when that needs
  /// the region's own values.
  bool collect_mask(const Value* value, std::vector<Node*>& moved, int steps) const {
    Node* node = value->node;
    if (value != entry_ && layouts_.contains(value)) return false;
    if (node->owner != first_attention_->owner) return false;
    if (comes_before_region(node) || std::find(moved.begin(), moved.end(), node) != moved.end()) return true;
    if (steps == 0 || !node->blocks.empty() || has_effect(*node)) return false;
    for (const Value* input : node->inputs) {
      if (!collect_mask(input, moved, steps - 1)) return false;
    }
    moved.push_back(node);
    return true;
  }

  bool mask_is_ready() const {
    std::vector<Node*> moved;
    for (const Value* value : {mask_, first_attention_->input(4), first_attention_->input(8)}) {
      if (!collect_mask(value, moved, kMostMaskSteps)) return false;
    }
    const bool safe = std::all_of(moved.begin(), moved.end(), [this](const Node* node) {
      return std::all_of(node->outputs.begin(), node->outputs.end(),
                         [this](const Value* v) { return !writes_.may_be_written(v); });
    });
    if (!safe) return false;
    for (Node* node : moved) node->move_before(nodes_.front());
    return true;
  }

  void rewrite() {
    Node& place = *nodes_.front();
    const Node* packing = insert_fused(
        "calque::packing", {entry_, mask_, first_attention_->input(4), first_attention_->input(8)}, place);
    Value* rows = packing->output(0);
    Value* packed = insert_fused("calque::pack_tokens", {entry_, rows}, place)->output();
    std::array<Value*, 2> sizes = {size_of(packed, 0, place), size_of(packed, 1, place)};
    for (Node* node : nodes_) {
      for (size_t i = 0; i < node->inputs.size(); ++i) {
        if (node->input(i) == entry_) node->replace_input(i, packed);
      }
      if (calls(*node, "aten::view") || calls(*node, "aten::reshape")) use_sizes(*node, sizes);
    }
    for (Node* node : attentions_) node->replace_input(10, packing->output(1));
    std::unordered_map<Value*, Value*> padded;
    for (const Exit& exit : exits_) {
      if (calls(*exit.reader, "calque::mean_pool")) {
        exit.reader->replace_input(5, packing->output(1));
        exit.reader->replace_input(6, rows);
        exit.reader->replace_input(7, entry_);
        continue;
      }
      Value* value = exit.reader->input(exit.place);
      auto [at, is_new] = padded.try_emplace(value, nullptr);
      if (is_new)
        at->second =
            insert_fused("calque::unpack_tokens", {value, rows, entry_}, *value->node->next)->output();
      exit.reader->replace_input(exit.place, at->second);
    }
    restore_sizes();
  }

  Value* size_of(Value* tensor, int64_t dimension, Node& place) const {
    Node* node = graph_.create("aten::size", {tensor, insert_constant(IValue(dimension), place)});
    node->op = find_operator("aten::size.int");
    node->add_output(int_type());
    node->insert_before(&place);
    return node->output();
  }

  void use_sizes(Node& view, const std::array<Value*, 2>& sizes) const {
    const Node& old = *view.input(1)->node;
    std::vector<Value*> elements = old.inputs;
    for (Value*& element : elements) {
      if (const std::optional<int64_t> dimension = dimension_of(element))
        element = sizes[static_cast<size_t>(*dimension)];
    }
    Node* list = graph_.create("prim::ListConstruct", elements);
    list->add_output(old.output()->type);
    list->range = old.range;
    list->scope = old.scope;
    list->insert_before(&view);
    view.replace_input(1, list->output());
  }

  /// Sizes that are read from the region for other purposes are those of the padded batch.
  void restore_sizes() {
    for (const auto& [value, how] : layouts_) {
      if (value == entry_) continue;
      const std::vector<Value::Use> uses = value->uses;
      for (const Value::Use& use : uses) {
        if (!calls(*use.user, "aten::size") || use.offset != 0) continue;
        const std::optional<int64_t> dimension = dimension_of(use.user->output());
        if (!dimension) continue;
        use.user->replace_input(1, insert_constant(IValue(*dimension), *use.user));
        use.user->replace_input(0, entry_);
      }
    }
  }

  struct Exit {
    Node* reader;
    size_t place;
  };

  Graph& graph_;
  Writes& writes_;
  Value* mask_ = nullptr;
  Value* entry_ = nullptr;
  Node* first_attention_ = nullptr;
  std::unordered_map<const Value*, Layout> layouts_;
  std::vector<Node*> nodes_;
  std::vector<Node*> attentions_;
  std::vector<Exit> exits_;
};

}  // namespace

void remove_padding(Graph& graph) {
  if (count_nodes(graph.block()) > kMostNodesToSearch) return;
  Writes writes;
  writes.add(graph, false);
  std::unordered_set<const Value*> tried;
  Block& block = graph.block();
  for (Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (calls(*node, "calque::attention") && is_none(node->input(10)) && tried.insert(node->input(3)).second)
      Region(graph, writes).pack(*node);
  }
  remove_dead_code(graph);
}

}  // namespace calque::passes
