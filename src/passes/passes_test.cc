#include "passes/passes.h"

#include <gtest/gtest.h>

#include "calque/error.h"
#include "passes/test_support.h"
#include "passes/writes.h"

namespace calque::passes {
namespace {

TEST(RemoveDeadCode, KeepsWritesAndDropsTheRest) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* one = constant(graph, int64_t{1});
  Value* unused = call(graph, "aten::neg", {x});
  call(graph, "aten::neg", {unused});
  call(graph, "aten::add_.Tensor", {x, x, one});
  graph.add_output(x);
  remove_dead_code(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::neg"), 0);
  EXPECT_EQ(count(graph, "aten::add_"), 1);
}

TEST(RemoveIdentities, DropsDropoutOfInferenceOnly) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* p = constant(graph, 0.1);
  Value* off = call(graph, "aten::dropout", {x, p, constant(graph, false)});
  Value* on = call(graph, "aten::dropout", {off, p, constant(graph, true)});
  graph.add_output(on);
  remove_identities(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::dropout"), 1);
  EXPECT_EQ(on->node->input(), x);
}

Function* add_function(CompilationUnit& unit, const std::string& name) {
  auto function = std::make_unique<Function>();
  function->name = function->qualified_name = name;
  function->graph = std::make_unique<Graph>();
  return unit.add_function(std::move(function));
}

Value* call_function(Graph& graph, Function* function, Value* x) {
  Node* node = graph.create("prim::CallFunction", {x}, 1);
  node->function = function;
  graph.block().append(node);
  return node->output();
}

TEST(InlineCalls, ExpandsNestedCalls) {
  CompilationUnit unit;
  Function* inner = add_function(unit, "inner");
  inner->graph->add_output(call(*inner->graph, "aten::neg", {inner->graph->add_input(tensor_type(), "x")}));
  Function* outer = add_function(unit, "outer");
  Value* x = outer->graph->add_input(tensor_type(), "x");
  Value* twice = call_function(*outer->graph, inner, call_function(*outer->graph, inner, x));
  outer->graph->add_output(twice);
  Graph graph;
  Value* y = graph.add_input(tensor_type(), "y");
  graph.add_output(call_function(graph, outer, call_function(graph, outer, y)));
  inline_calls(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::neg"), 4);
  EXPECT_EQ(count(graph, "prim::CallFunction"), 0);
}

TEST(InlineCalls, RefusesRecursion) {
  CompilationUnit unit;
  Function* f = add_function(unit, "f");
  f->graph->add_output(call_function(*f->graph, f, f->graph->add_input(tensor_type(), "x")));
  Graph graph;
  graph.add_output(call_function(graph, f, graph.add_input(tensor_type(), "x")));
  EXPECT_THROW(inline_calls(graph), RuntimeError);
}

/// f39 calls f38 twice, and so on: 2^39 negations.
Function* doubling_functions(CompilationUnit& unit) {
  Function* f = add_function(unit, "f0");
  f->graph->add_output(call(*f->graph, "aten::neg", {f->graph->add_input(tensor_type(), "x")}));
  for (int i = 1; i < 40; ++i) {
    Function* g = add_function(unit, "f" + std::to_string(i));
    Value* x = g->graph->add_input(tensor_type(), "x");
    g->graph->add_output(call_function(*g->graph, f, call_function(*g->graph, f, x)));
    f = g;
  }
  return f;
}

TEST(InlineCalls, LeavesCallsThatMultiply) {
  CompilationUnit unit;
  const Function* f = doubling_functions(unit);
  std::unique_ptr<Graph> graph = f->graph->copy();
  inline_calls(*graph, {.max_nodes = 10'000});
  verify(*graph);
  EXPECT_EQ(count(*graph, "prim::CallFunction"), 2);
  const Function* small = unit.find_function("f10");
  graph = small->graph->copy();
  inline_calls(*graph, {.max_nodes = 10'000});
  verify(*graph);
  EXPECT_EQ(count(*graph, "prim::CallFunction"), 0);
  EXPECT_EQ(count(*graph, "aten::neg"), 1024);
}

TEST(InlineCalls, RefusesCallsThatMultiplyWhereNoneMayStay) {
  CompilationUnit unit;
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  graph.add_output(call_function(graph, doubling_functions(unit), x));
  EXPECT_THROW(inline_calls(graph, {.leave_large = false}), LimitError);
  EXPECT_EQ(count(graph, "prim::CallFunction"), 1);
}

TEST(InlineCalls, LeavesCallsThatNestTooDeep) {
  CompilationUnit unit;
  Function* f = add_function(unit, "f0");
  f->graph->add_output(call(*f->graph, "aten::neg", {f->graph->add_input(tensor_type(), "x")}));
  for (int i = 1; i < 100'000; ++i) {
    Function* g = add_function(unit, "f" + std::to_string(i));
    g->graph->add_output(call_function(*g->graph, f, g->graph->add_input(tensor_type(), "x")));
    f = g;
  }
  Graph graph;
  graph.add_output(call_function(graph, f, graph.add_input(tensor_type(), "x")));
  inline_calls(graph);
  EXPECT_EQ(count(graph, "prim::CallFunction"), 1);
}

TEST(FoldConstants, LeavesListsThatHoldEachOther) {
  Graph graph;
  Value* list = constant(graph, std::vector<int64_t>{1});
  for (int i = 0; i < 60; ++i) {
    Node* node = graph.create("prim::ListConstruct", {list, list});
    const TypePtr type = list_type(list->type);
    list = node->add_output(type);
    graph.block().append(node);
  }
  graph.add_output(call(graph, "aten::len.t", {list}));
  graph.outputs()[0]->type = int_type();
  fold_constants(graph, {.tensors = false});
  verify(graph);
  EXPECT_GT(count(graph, "prim::ListConstruct"), 40);
}

TEST(FoldConstants, RunsWhatDependsOnConstants) {
  Graph graph;
  Value* sum = call(graph, "aten::add.int", {constant(graph, int64_t{2}), constant(graph, int64_t{3})});
  sum->type = int_type();
  Value* doubled = call(graph, "aten::mul.int", {sum, sum});
  doubled->type = int_type();
  graph.add_output(doubled);
  fold_constants(graph, {.tensors = false});
  remove_dead_code(graph);
  verify(graph);
  ASSERT_EQ(count(graph, "prim::Constant"), 1);
  EXPECT_EQ(graph.outputs()[0]->node->value.toInt(), 25);
}

TEST(FoldConstants, LeavesWhatIsWrittenAndWhatFails) {
  Graph graph;
  Value* one = constant(graph, int64_t{1});
  Value* weight = constant(graph, zeros({2}));
  Value* made = call(graph, "aten::neg", {weight});
  Value* view =
      call(graph, "aten::select.int", {made, constant(graph, int64_t{0}), constant(graph, int64_t{0})});
  graph.add_output(call(graph, "aten::add_.Tensor", {view, weight, one}));
  Value* bad = call(graph, "aten::select.int", {weight, constant(graph, int64_t{7}), one});
  graph.add_output(bad);
  graph.add_output(call(graph, "aten::abs", {weight}));
  fold_constants(graph);
  remove_dead_code(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::neg"), 1);
  EXPECT_EQ(count(graph, "aten::select"), 2);
  EXPECT_EQ(count(graph, "aten::abs"), 0);
}

TEST(FoldConstants, DoesNotMakeLargeTensors) {
  Graph graph;
  Value* list = constant(graph, std::vector<int64_t>{1 << 20});
  const Operator* zeros_op = find_operator("aten::zeros");
  std::vector<Value*> inputs = {list};
  while (inputs.size() < zeros_op->schema().arguments.size()) inputs.push_back(constant(graph, IValue()));
  graph.add_output(call(graph, "aten::zeros", inputs));
  fold_constants(graph);
  EXPECT_EQ(count(graph, "aten::zeros"), 1);
}

TEST(Writes, FollowsViewsAndContainers) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* y = graph.add_input(tensor_type(), "y");
  Node* list = graph.create("prim::ListConstruct", {x});
  Value* items = list->add_output(list_type(tensor_type()));
  graph.block().append(list);
  Value* item = call(graph, "aten::__getitem__.t", {items, constant(graph, int64_t{0})});
  Value* view = call(graph, "aten::t", {item});
  call(graph, "aten::relu_", {view});
  graph.add_output(call(graph, "aten::neg", {y}));
  Writes writes;
  writes.add(graph);
  EXPECT_TRUE(writes.may_be_written(x));
  EXPECT_TRUE(writes.may_be_written(view));
  EXPECT_FALSE(writes.may_be_written(y));
  EXPECT_FALSE(writes.may_be_written(graph.outputs()[0]));
}

TEST(Pipeline, RefusesUnknownPassNames) {
  Graph graph;
  EXPECT_THROW(run_pipeline(graph, {.disabled = {"no_such_pass"}}), ValueError);
}

}  // namespace
}  // namespace calque::passes
