#include <gtest/gtest.h>

#include <string_view>

#include "passes/passes.h"
#include "passes/test_support.h"

namespace calque::passes {
namespace {

/// cat([x, y], -2)
Value* cat_of(Graph& graph, Value* x, Value* y) {
  Node* list = graph.create("prim::ListConstruct", {x, y});
  Value* items = list->add_output(list_type(tensor_type()));
  graph.block().append(list);
  return call(graph, "aten::cat", {items, constant(graph, int64_t{-2})});
}

TEST(ShareCat, SharesWhatIsOnlyRead) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* y = graph.add_input(tensor_type(), "y");
  graph.add_output(call(graph, "aten::matmul", {x, cat_of(graph, x, y)}));
  share_cat(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::cat"), 0);
  EXPECT_EQ(count(graph, "calque::cat"), 1);
}

TEST(ShareCat, LeavesWhatLeavesTheCall) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* y = graph.add_input(tensor_type(), "y");
  Value* inner = cat_of(graph, x, y);
  graph.add_output(cat_of(graph, inner, x));
  Value* view = cat_of(graph, y, y);
  graph.add_output(call(graph, "aten::t", {view}));
  share_cat(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::cat"), 2);
  EXPECT_EQ(count(graph, "calque::cat"), 1);
}

TEST(ShareCat, LeavesWhatIsWritten) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* y = graph.add_input(tensor_type(), "y");
  Value* z = graph.add_input(tensor_type(), "z");
  Value* joined = cat_of(graph, x, y);
  call(graph, "aten::neg_", {call(graph, "aten::t", {joined})});
  Value* source = cat_of(graph, z, z);
  call(graph, "aten::neg_", {z});
  graph.add_output(call(graph, "aten::mul.Tensor", {joined, source}));
  share_cat(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::cat"), 2);
}

TEST(ShareCat, LeavesWhatMayBeGivenBack) {
  for (const char* name : {"aten::type_as", "aten::matmul"}) {
    Graph graph;
    Value* x = graph.add_input(tensor_type(), "x");
    Value* y = graph.add_input(tensor_type(), "y");
    call(graph, "aten::neg_", {call(graph, name, {cat_of(graph, x, y), x})});
    share_cat(graph);
    EXPECT_EQ(count(graph, "aten::cat"), std::string_view(name) == "aten::type_as" ? 1 : 0) << name;
  }
}

TEST(ShareCat, LeavesWhatIsKeptElsewhere) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* cache = graph.add_input(list_type(tensor_type()), "cache");
  Value* joined = cat_of(graph, x, x);
  call(graph, "aten::append.t", {cache, joined});
  graph.add_output(call(graph, "aten::matmul", {x, joined}));
  share_cat(graph);
  EXPECT_EQ(count(graph, "aten::cat"), 1);
}

TEST(ShareCat, LeavesWhatIsCompared) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* joined = cat_of(graph, x, x);
  Value* same = call(graph, "aten::__is__", {joined, x});
  same->type = bool_type();
  graph.add_output(same);
  share_cat(graph);
  EXPECT_EQ(count(graph, "aten::cat"), 1);
}

}  // namespace
}  // namespace calque::passes
