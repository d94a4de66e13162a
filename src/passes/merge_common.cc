// Calls that give what an earlier call gave: sizes, masks and views that each layer makes again.
#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/writes.h"

namespace calque::passes {

namespace {

/// Operators whose results depend on nothing but their arguments. What draws random numbers is not here.
constexpr std::array<std::string_view, 77> kPure = {
    "aten::Bool",
    "aten::Float",
    "aten::Int",
    "aten::IntImplicit",
    "aten::ScalarImplicit",
    "aten::__and__",
    "aten::__getitem__",
    "aten::__or__",
    "aten::abs",
    "aten::add",
    "aten::arange",
    "aten::bitwise_and",
    "aten::bitwise_not",
    "aten::bitwise_or",
    "aten::cat",
    "aten::clamp",
    "aten::clamp_min",
    "aten::contiguous",
    "aten::cumsum",
    "aten::detach",
    "aten::device",
    "aten::dim",
    "aten::div",
    "aten::embedding",
    "aten::eq",
    "aten::exp",
    "aten::expand",
    "aten::expand_as",
    "aten::flatten",
    "aten::floor_divide",
    "aten::floordiv",
    "aten::full",
    "aten::full_like",
    "aten::gather",
    "aten::ge",
    "aten::gelu",
    "aten::gt",
    "aten::index_select",
    "aten::layer_norm",
    "aten::le",
    "aten::len",
    "aten::linear",
    "aten::log",
    "aten::logical_and",
    "aten::logical_not",
    "aten::logical_or",
    "aten::lt",
    "aten::masked_fill",
    "aten::matmul",
    "aten::mul",
    "aten::ne",
    "aten::neg",
    "aten::ones",
    "aten::ones_like",
    "aten::permute",
    "aten::pow",
    "aten::relu",
    "aten::reshape",
    "aten::rsub",
    "aten::select",
    "aten::size",
    "aten::slice",
    "aten::softmax",
    "aten::squeeze",
    "aten::sub",
    "aten::sum",
    "aten::t",
    "aten::tanh",
    "aten::to",
    "aten::transpose",
    "aten::type_as",
    "aten::unsqueeze",
    "aten::view",
    "aten::where",
    "aten::zeros",
    "aten::zeros_like",
    "prim::NumToTensor",
};

bool is_pure(std::string_view name) {
  return std::find(kPure.begin(), kPure.end(), name) != kPure.end() || name == "prim::device" ||
         name == "prim::dtype";
}

bool same_constant(const IValue& a, const IValue& b) {
  if (a.tag() != b.tag()) return false;
  switch (a.tag()) {
    case IValue::Tag::None:
      return true;
    case IValue::Tag::Int:
      return a.toInt() == b.toInt();
    case IValue::Tag::Bool:
      return a.toBool() == b.toBool();
    case IValue::Tag::Double:  // Zero has two signs.
      return std::bit_cast<uint64_t>(a.toDouble()) == std::bit_cast<uint64_t>(b.toDouble());
    case IValue::Tag::String:
      return a.toStringRef() == b.toStringRef();
    case IValue::Tag::Device:
      return a.toDevice() == b.toDevice();
    case IValue::Tag::Tensor:
      return a.tensor_impl() == b.tensor_impl();
    case IValue::Tag::List:
      return a.isIntList() && b.isIntList() && a.toIntVector() == b.toIntVector();
    default:
      return false;
  }
}

class Merger {
 public:
  explicit Merger(Graph& graph) {
    writes_.add(graph);
    writes_.mark_kept(graph);
  }

  void block(Block& b) {
    std::vector<size_t> added;
    for (Node* node = b.first(); node != b.return_node();) {
      Node* following = node->next;
      for (auto& inner : node->blocks) block(*inner);
      if (may_be_merged(*node)) merge(*node, added);
      node = following;
    }
    // What was computed inside is not known to have been computed after it.
    for (auto at = added.rbegin(); at != added.rend(); ++at) known_[*at].pop_back();
  }

 private:
  /// Nothing writes to what it reads or gives, so that it does not matter when, nor how often, it runs; and
  /// nobody can tell two of its results apart.
  bool may_be_merged(const Node& node) {
    if (node.outputs.size() != 1 || !node.blocks.empty()) return false;
    if (node.is("prim::GetAttr")) return !writes_.may_be_written(node.input());
    const bool pure = node.is("prim::Constant") || node.is("prim::ListConstruct") ||
                      (node.op != nullptr && is_pure(node.op->name()) && !has_effect(node));
    return pure && !writes_.may_be_written(node.output()) && !is_compared(*node.output()) &&
           std::none_of(node.inputs.begin(), node.inputs.end(),
                        [this](const Value* v) { return writes_.may_be_written(v); });
  }

  /// By identity.
  static bool is_compared(const Value& value) {
    return std::any_of(value.uses.begin(), value.uses.end(), [](const Value::Use& use) {
      return calls(*use.user, "aten::__is__") || calls(*use.user, "aten::__isnot__");
    });
  }

  static size_t hash(const Node& node) {
    size_t h = std::hash<std::string_view>()(node.kind);
    const auto mix = [&h](size_t more) { h = (h ^ more) * 0x9E3779B97F4A7C15ULL; };
    for (const Value* input : node.inputs) mix(static_cast<size_t>(input->id));
    mix(std::hash<std::string>()(node.name));
    if (node.is("prim::Constant") && node.value.isInt()) mix(static_cast<size_t>(node.value.toInt()));
    return h;
  }

  static bool same(const Node& a, const Node& b) {
    return a.kind == b.kind && a.op == b.op && a.name == b.name && a.inputs == b.inputs &&
           same_type(a.output()->type, b.output()->type) &&
           (!a.is("prim::Constant") || same_constant(a.value, b.value));
  }

  void merge(Node& node, std::vector<size_t>& added) {
    const size_t key = hash(node);
    std::vector<Node*>& candidates = known_[key];
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const Node* candidate) { return same(*candidate, node); });
    if (found == candidates.end()) {
      candidates.push_back(&node);
      added.push_back(key);
      return;
    }
    node.output()->replace_all_uses_with((*found)->output());
    node.destroy();
  }

  Writes writes_;
  std::unordered_map<size_t, std::vector<Node*>> known_;
};

}  // namespace

void merge_common(Graph& graph) { Merger(graph).block(graph.block()); }

}  // namespace calque::passes
