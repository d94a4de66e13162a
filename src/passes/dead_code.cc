#include <algorithm>
#include <array>
#include <string_view>

#include "ops/operator.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

/// Structural kinds that only make values. Anything structural that is not listed has an effect.
constexpr std::array<std::string_view, 16> kPureKinds = {
    "prim::Constant",
    "prim::GetAttr",
    "prim::ListConstruct",
    "prim::TupleConstruct",
    "prim::DictConstruct",
    "prim::ListUnpack",
    "prim::TupleUnpack",
    "prim::TupleIndex",
    "prim::TupleSlice",
    "prim::isinstance",
    "prim::unchecked_cast",
    "prim::Uninitialized",
    "prim::If",
    "prim::Loop",
    "prim::EnumName",
    "prim::EnumValue",
};

/// Operators that change something which is no argument: the generator's state, the console.
constexpr std::array<std::string_view, 14> kStateful = {
    "aten::rand",        "aten::randn",     "aten::randint",      "aten::randperm", "aten::bernoulli",
    "aten::multinomial", "aten::rand_like", "aten::randn_like",   "aten::normal",   "aten::manual_seed",
    "aten::seed",        "aten::warn",      "aten::randint_like", "prim::Print",
};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool block_has_effect(const Block& block) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (has_effect(*node)) return true;
  }
  return false;
}

/// A loop that may not end must run: only counted loops can go.
bool may_be_endless(const Node& node) {
  if (!node.is("prim::Loop")) return false;
  const Node* count = node.input(0)->node;
  return count->is("prim::Constant") && count->value.isInt() && count->value.toInt() == INT64_MAX;
}

bool is_used(const Node& node) {
  return std::any_of(node.outputs.begin(), node.outputs.end(), [](const Value* v) { return v->has_uses(); });
}

void sweep(Block& block) {
  for (Node* node = block.last(); node != block.param_node();) {
    Node* before = node->prev;
    if (!is_used(*node) && !has_effect(*node)) {
      node->destroy();
    } else {
      if (node->is("prim::If")) {
        for (size_t i = node->outputs.size(); i-- > 0;) {
          if (node->outputs[i]->has_uses()) continue;
          node->erase_output(i);
          for (auto& arm : node->blocks) arm->return_node()->remove_input(i);
        }
      }
      for (auto& inner : node->blocks) sweep(*inner);
      // What became unused inside may free nodes before this one; they come later in this backward walk.
      before = node->prev;
    }
    node = before;
  }
}

}  // namespace

bool has_effect(const Node& node) {
  if (node.op != nullptr) {
    return node.op->schema().has_side_effects() || contains(kStateful, node.op->name()) ||
           node.op->schema().returns.empty();
  }
  if (!contains(kPureKinds, node.kind) || may_be_endless(node)) return true;
  return std::any_of(node.blocks.begin(), node.blocks.end(),
                     [](const auto& block) { return block_has_effect(*block); });
}

void remove_dead_code(Graph& graph) { sweep(graph.block()); }

}  // namespace calque::passes
