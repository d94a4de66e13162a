#include "ir/graph.h"

#include <gtest/gtest.h>

#include "calque/error.h"

namespace calque {
namespace {

Node* add(Graph& graph, Value* a, Value* b) {
  Node* node = graph.create("aten::add", {a, b}, 1);
  graph.block().append(node);
  return node;
}

TEST(Graph, BuildPrintCopy) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Node* sum = add(graph, x, x);
  sum->output()->hint = "x";
  graph.add_output(sum->output());
  verify(graph);
  const std::string text = to_string(graph);
  EXPECT_EQ(text, "graph(%x : Tensor):\n  %x.1 : Tensor = aten::add(%x, %x)\n  return (%x.1)\n");
  EXPECT_EQ(to_string(*graph.copy()), text);
  verify(*graph.copy());
}

TEST(Graph, InputsCanBeInsertedAndRemoved) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* y = graph.add_input(tensor_type(), "y");
  Node* node = add(graph, x, x);
  node->insert_input(0, x);
  node->insert_input(1, y);
  verify(graph);
  ASSERT_EQ(node->inputs.size(), 4U);
  EXPECT_EQ(node->inputs[1], y);
  node->remove_input(0);
  verify(graph);
  node->remove_input(0);
  verify(graph);
  EXPECT_FALSE(y->has_uses());
  EXPECT_EQ(x->uses.size(), 2U);
}

TEST(Graph, DestroyRefusesUsedNodesAndFreesBlocks) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* flag = graph.add_input(bool_type(), "flag");
  Node* branch = graph.create("prim::If", {flag}, 1);
  graph.block().append(branch);
  for (int i = 0; i < 2; ++i) {
    Block* block = branch->add_block();
    Node* inner = graph.create("aten::neg", {x}, 1);
    block->append(inner);
    block->add_output(inner->output());
  }
  add(graph, branch->output(), x);
  verify(graph);
  EXPECT_THROW(branch->destroy(), InternalError);
}

TEST(Graph, VerifyFindsAUseBeforeItsDefinition) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Node* first = add(graph, x, x);
  Node* second = add(graph, first->output(), x);
  verify(graph);
  second->move_before(first);
  EXPECT_THROW(verify(graph), InternalError);
}

TEST(Graph, ReplaceAllUses) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* y = graph.add_input(tensor_type(), "y");
  Node* node = add(graph, x, x);
  graph.add_output(node->output());
  x->replace_all_uses_with(y);
  verify(graph);
  EXPECT_EQ(node->inputs[0], y);
  EXPECT_FALSE(x->has_uses());
}

TEST(CompilationUnit, MangledNamesAreUnique) {
  CompilationUnit unit;
  unit.add_class(std::make_shared<ClassType>("__torch__.a.B", true));
  EXPECT_EQ(unit.unique_name("__torch__.a.C"), "__torch__.a.C");
  EXPECT_EQ(unit.unique_name("__torch__.a.B"), "__torch__.a.___torch_mangle_0.B");
  EXPECT_THROW(unit.add_class(std::make_shared<ClassType>("__torch__.a.B", true)), LoadError);
}

}  // namespace
}  // namespace calque
