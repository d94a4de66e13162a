#include "passes/expanded_size.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "base/checked.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque::passes {

namespace {

const Function* method_of(const Value& object, std::string_view name) {
  if (object.type->kind() != TypeKind::Class) return nullptr;
  return static_cast<const ClassType&>(*object.type).find_method(name);
}

uint64_t saturating_sum(uint64_t a, uint64_t b) { return checked_add(a, b).value_or(UINT64_MAX); }

}  // namespace

const Function* known_callee(const Node& node) {
  const Function* function = nullptr;
  if (node.is("prim::CallFunction")) function = node.function;
  if (node.is("prim::CallMethod")) function = method_of(*node.input(), node.name);
  if (node.is("prim::Enter")) function = method_of(*node.input(), "__enter__");
  if (node.is("prim::Exit")) function = method_of(*node.input(), "__exit__");
  return function != nullptr && function->graph != nullptr ? function : nullptr;
}

void ExpandedSizes::read(const Block& block, uint64_t depth, Visit& visit) {
  visit.size.depth = std::max(visit.size.depth, depth);
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    ++visit.size.nodes;
    if (const Function* callee = known_callee(*node)) visit.calls.push_back({callee, depth});
    for (const auto& inner : node->blocks) read(*inner, depth + 1, visit);
  }
}

const ExpandedSize& ExpandedSizes::of(const Function& function) {
  std::vector<Visit> path;
  std::unordered_set<const Function*> open;
  const auto enter = [&](const Function& entered) {
    if (!open.insert(&entered).second) {
      throw RuntimeError(cat("function '", entered.qualified_name,
                             "' is called recursively. Recursive calls are not supported; write the "
                             "recursion as a loop"));
    }
    path.push_back({.function = &entered});
    read(entered.graph->block(), 1, path.back());
  };
  if (!sizes_.contains(&function)) enter(function);
  while (!path.empty()) {
    Visit& top = path.back();
    if (top.next == top.calls.size()) {
      sizes_.emplace(top.function, top.size);
      open.erase(top.function);
      path.pop_back();
      continue;
    }
    const Call& call = top.calls[top.next];
    const auto known = sizes_.find(call.callee);
    if (known == sizes_.end()) {
      enter(*call.callee);
      continue;
    }
    top.size.nodes = saturating_sum(top.size.nodes, known->second.nodes);
    top.size.depth = std::max(top.size.depth, saturating_sum(call.depth, known->second.depth));
    ++top.next;
  }
  return sizes_.at(&function);
}

}  // namespace calque::passes
