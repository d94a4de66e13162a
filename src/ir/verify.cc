// Structural checks of graphs: what every pass may rely on, and must leave behind.
#include <algorithm>
#include <unordered_set>

#include "base/check.h"
#include "base/text.h"
#include "ir/graph.h"

namespace calque {

namespace {

class Verifier {
 public:
  void block(const Block& b) {
    const std::vector<const Value*> added = define_all(b.inputs(), *b.param_node());
    std::vector<const Value*> local = added;
    for (const Node* node = b.first(); node != b.return_node(); node = node->next) {
      check(node->owner == &b, cat("verify: ", node->kind, " is linked in a block that it does not know"));
      check(node->next->prev == node, "verify: broken node list");
      visit(*node);
      const auto defined = define_all(node->outputs, *node);
      local.insert(local.end(), defined.begin(), defined.end());
    }
    uses(*b.return_node());
    for (const Value* value : local) visible_.erase(value);
  }

 private:
  std::vector<const Value*> define_all(const std::vector<Value*>& values, const Node& producer) {
    for (size_t i = 0; i < values.size(); ++i) {
      const Value* value = values[i];
      check(value->node == &producer && value->offset == static_cast<int>(i),
            "verify: a value has another producer");
      check(value->type != nullptr, "verify: a value has no type");
      check(visible_.insert(value).second, "verify: a value is defined twice");
      for (const Value::Use& use : value->uses) {
        check(static_cast<size_t>(use.offset) < use.user->inputs.size() &&
                  use.user->inputs[static_cast<size_t>(use.offset)] == value,
              "verify: a use list names a place that does not use the value");
      }
    }
    return {values.begin(), values.end()};
  }

  void uses(const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Value* input = node.inputs[i];
      check(visible_.contains(input),
            cat("verify: input ", i, " of ", node.kind, " is not defined before its use"));
      check(std::find(input->uses.begin(), input->uses.end(),
                      Value::Use{const_cast<Node*>(&node), static_cast<int>(i)}) != input->uses.end(),
            cat("verify: a use by ", node.kind, " is missing from the use list"));
    }
  }

  void visit(const Node& node) {
    uses(node);
    for (const auto& inner : node.blocks) block(*inner);
    if (node.is("prim::If")) {
      check(node.inputs.size() == 1 && node.blocks.size() == 2,
            "verify: prim::If has one input and two blocks");
      for (const auto& inner : node.blocks) {
        check(inner->inputs().empty() && inner->outputs().size() == node.outputs.size(),
              "verify: the arms of prim::If give as many values as the node");
      }
    } else if (node.is("prim::Loop")) {
      const size_t carried = node.outputs.size();
      check(node.blocks.size() == 1 && node.inputs.size() == carried + 2 &&
                node.blocks[0]->inputs().size() == carried + 1 &&
                node.blocks[0]->outputs().size() == carried + 1,
            "verify: prim::Loop carries as many values in as out");
    } else if (node.is("prim::Constant")) {
      check(node.inputs.empty() && node.outputs.size() == 1, "verify: prim::Constant has one output");
    } else if (node.op != nullptr) {
      check(node.blocks.empty(), "verify: operators have no blocks");
    }
  }

  std::unordered_set<const Value*> visible_;
};

}  // namespace

void verify(const Graph& graph) { Verifier().block(graph.block()); }

}  // namespace calque
