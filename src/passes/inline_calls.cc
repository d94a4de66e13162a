#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"
#include "passes/expanded_size.h"
#include "passes/passes.h"

namespace calque::passes {

namespace {

/// Blocks and calls inside each other: what reads graphs recurses this deep.
constexpr uint64_t kMaxDepth = 400;

class Inliner {
 public:
  explicit Inliner(const InlineOptions& options) : options_(options) {}

  void block(Block& b) {
    ++depth_;
    for (Node* node = b.first(); node != b.return_node();) {
      Node* following = node->next;
      visit(node);
      node = following;
    }
    --depth_;
  }

 private:
  /// When the node is a call: expands it and gives the values that took the place of its outputs.
  std::vector<Value*> visit(Node* node) {
    if (node->scope.empty()) node->scope = scope_;
    if (node->is("prim::GetAttr")) name_submodule(*node);
    if (node->is("prim::Enter") || node->is("prim::Exit")) call_manager(*node);
    const Function* callee = known_callee(*node);
    if (callee != nullptr && may_expand(*callee)) return expand(node, *callee);
    for (auto& inner : node->blocks) block(*inner);
    return node->outputs;
  }

  /// Whether a call fits is decided once, with all the calls below it.
  bool may_expand(const Function& callee) {
    if (expanding_ > 0) return true;
    const ExpandedSize& size = sizes_.of(callee);
    if (size.nodes <= room_ && size.depth <= kMaxDepth - std::min(depth_, kMaxDepth)) {
      room_ -= size.nodes;
      return true;
    }
    if (options_.leave_large) return false;
    throw LimitError(cat("with the call of '", callee.qualified_name, "' the program has more than ",
                         options_.max_nodes, " operations, or blocks more than ", kMaxDepth,
                         " levels deep, once its calls are expanded; the limit protects against programs "
                         "that multiply without bound"));
  }

  /// The ends of a `with` are calls of its manager's methods.
  static void call_manager(Node& node) {
    const bool exit = node.is("prim::Exit");
    node.kind = "prim::CallMethod";
    node.name = exit ? "__exit__" : "__enter__";
    if (!exit) return;
    for (int i = 0; i < 3; ++i) {
      Node* none = node.graph().create_constant(IValue());
      none->insert_before(&node);
      node.add_input(none->output());
    }
    node.add_output(none_type());
  }

  /// Remembers the module path of an attribute that is an object.
  void name_submodule(const Node& node) {
    if (node.output()->type->kind() != TypeKind::Class) return;
    auto it = paths_.find(node.input());
    const std::string parent = it == paths_.end() ? "" : it->second;
    paths_[node.output()] = parent.empty() ? node.name : parent + "." + node.name;
  }

  std::vector<Value*> expand(Node* call, const Function& callee) {
    const Graph& body = *callee.graph;
    check(body.inputs().size() == call->inputs.size() && body.outputs().size() == call->outputs.size(),
          cat("inline: the call of ", callee.qualified_name, " does not fit its graph"));
    std::unordered_map<const Value*, Value*> map;
    for (size_t i = 0; i < call->inputs.size(); ++i) map[body.inputs()[i]] = call->inputs[i];

    const std::string outer_scope = scope_;
    if (call->is("prim::CallMethod")) {
      auto it = paths_.find(call->input());
      if (it != paths_.end()) scope_ = it->second;
    }
    ++expanding_;
    for (const Node* node = body.block().first(); node != body.block().return_node(); node = node->next) {
      Node* copy = clone_node(*node, call->graph(), map);
      copy->insert_before(call);
      set_scope(*copy);
      const std::vector<Value*> results = visit(copy);
      for (size_t i = 0; i < node->outputs.size(); ++i) map[node->outputs[i]] = results[i];
    }
    --expanding_;
    scope_ = outer_scope;

    std::vector<Value*> results;
    for (size_t i = 0; i < call->outputs.size(); ++i) {
      results.push_back(map.at(body.outputs()[i]));
      if (results[i]->hint.empty()) results[i]->hint = call->outputs[i]->hint;
      call->outputs[i]->replace_all_uses_with(results[i]);
    }
    call->destroy();
    return results;
  }

  void set_scope(Node& node) {
    node.scope = scope_;
    for (auto& inner : node.blocks) {
      for (Node* n = inner->first(); n != inner->return_node(); n = n->next) set_scope(*n);
    }
  }

  const InlineOptions& options_;
  ExpandedSizes sizes_;
  uint64_t room_ = options_.max_nodes;
  uint64_t depth_ = 0;
  int expanding_ = 0;
  std::unordered_map<const Value*, std::string> paths_;
  std::string scope_;
};

}  // namespace

void inline_calls(Graph& graph, const InlineOptions& options) { Inliner(options).block(graph.block()); }

}  // namespace calque::passes
