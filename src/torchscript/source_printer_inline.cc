#include "torchscript/source_printer_inline.h"

#include <algorithm>
#include <limits>

#include "torchscript/environment.h"

namespace calque::torchscript {

namespace {

/// Nesting of one expression; deeper chains get names in between.
constexpr int kMaxInlineDepth = 200;

bool is_constant_true(const Value& value) {
  return value.node->is("prim::Constant") && value.node->value.isBool() && value.node->value.toBool();
}

bool always_continues(const Node& loop) {
  return is_constant_true(*loop.input(1)) && is_constant_true(*loop.blocks[0]->outputs()[0]);
}

bool counts(const Node& loop) {
  const Node& limit = *loop.input(0)->node;
  const bool endless = limit.is("prim::Constant") && limit.value.isInt() &&
                       limit.value.toInt() == std::numeric_limits<int64_t>::max();
  return !endless || loop.blocks[0]->inputs()[0]->has_uses();
}

/// The one use of a value that can be printed inside its user; nullptr when it has to have a name.
const Value::Use* inline_use(const Node& node) {
  if (node.outputs.size() != 1 || !node.blocks.empty() || node.is("prim::isinstance") ||
      node.is("prim::Enter") || is_widening(node)) {
    return nullptr;
  }
  const Value& value = *node.output();
  if (value.uses.size() != 1) return nullptr;
  const Value::Use& use = value.uses[0];
  const Node& user = *use.user;
  if (user.owner != node.owner) return nullptr;
  if (user.is("prim::fork")) return nullptr;
  if (user.is("prim::Loop") && (use.offset >= 2 || is_counted_while(user))) return nullptr;
  const bool returned = user.owner->return_node() == &user;
  return returned || printed_hint(value).empty() ? &use : nullptr;
}

class InlineScan {
 public:
  void block(const Block& block) {
    node(*block.return_node(), 0);
    for (const Node* n = block.last(); n != block.param_node(); n = n->prev) node(*n, 0);
  }

  std::unordered_set<const Node*> take() { return std::move(inlined_); }

 private:
  /// Walks the inputs of `n` from last to first, which is the order of evaluation backwards, along with the
  /// nodes before `n`. Gives the node at which the walk stopped.
  const Node* node(const Node& n, int depth) {
    if (inlined_.contains(&n)) return &n;
    if (!n.is("prim::fork")) {
      for (const auto& inner : n.blocks) block(*inner);
    }
    const Node* point = previous(n);
    for (size_t i = n.inputs.size(); i > 0; --i) {
      const Node* producer = n.inputs[i - 1]->node;
      if (producer != point || depth >= kMaxInlineDepth || inline_use(*producer) == nullptr) continue;
      point = node(*producer, depth + 1);
      inlined_.insert(producer);
    }
    return point;
  }

  static const Node* previous(const Node& n) {
    const Node* before = n.prev;
    while (before != nullptr && is_constant_like(*before)) before = before->prev;
    return before;
  }

  std::unordered_set<const Node*> inlined_;
};

}  // namespace

bool is_constant_like(const Node& node) { return node.is("prim::Constant"); }

bool is_widening(const Node& node) {
  return node.is("prim::unchecked_cast") && is_subtype(*node.input()->type, *node.output()->type) &&
         !is_subtype(*node.output()->type, *node.input()->type);
}

bool is_counted_while(const Node& loop) { return counts(loop) && !always_continues(loop); }

bool is_counted_for(const Node& loop) { return counts(loop) && always_continues(loop); }

std::string printed_hint(const Value& value) {
  std::string hint = merged_hint(value.hint);
  return hint.empty() && value.node->is("prim::GetAttr") ? value.node->name : hint;
}

std::unordered_set<const Node*> find_inlined(const Block& body) {
  InlineScan scan;
  scan.block(body);
  return scan.take();
}

}  // namespace calque::torchscript
