// Graphs by hand, for the tests of passes.
#pragma once

#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "ops/operator.h"

namespace calque::passes {

inline Value* constant(Graph& graph, IValue value) {
  Node* node = graph.create_constant(std::move(value));
  graph.block().append(node);
  return node->output();
}

/// A call of an overload by its full name, at the end of the block, with a tensor for a result.
inline Value* call(Block& block, const char* name, const std::vector<Value*>& inputs) {
  const Operator* op = find_operator(name);
  EXPECT_NE(op, nullptr) << name;
  Node* node = block.graph().create(op->name(), inputs, 1);
  node->op = op;
  block.append(node);
  return node->output();
}
inline Value* call(Graph& graph, const char* name, const std::vector<Value*>& inputs) {
  return call(graph.block(), name, inputs);
}

inline int count(const Block& block, std::string_view kind) {
  int n = 0;
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->kind == kind) ++n;
  }
  return n;
}
inline int count(const Graph& graph, std::string_view kind) { return count(graph.block(), kind); }

}  // namespace calque::passes
