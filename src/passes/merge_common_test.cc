#include <gtest/gtest.h>

#include "passes/passes.h"
#include "passes/test_support.h"

namespace calque::passes {
namespace {

TEST(MergeCommon, ReadsTheFirstOfEqualCalls) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* a = call(graph, "aten::mul.Scalar", {x, constant(graph, int64_t{2})});
  Value* b = call(graph, "aten::mul.Scalar", {x, constant(graph, int64_t{2})});
  Value* c = call(graph, "aten::mul.Scalar", {x, constant(graph, 2.0)});
  graph.add_output(call(graph, "aten::div.Tensor", {call(graph, "aten::neg", {a}), c}));
  graph.add_output(call(graph, "aten::neg", {b}));
  merge_common(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::mul"), 2);  // a number's type is part of it
  EXPECT_EQ(count(graph, "aten::neg"), 2);  // one is handed out, and its reader may write to it
}

TEST(MergeCommon, LeavesWhatIsWritten) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* one = constant(graph, int64_t{1});
  Value* before = call(graph, "aten::exp", {x});
  Value* view = call(graph, "aten::t", {x});
  call(graph, "aten::add_.Tensor", {view, before, one});
  Value* after = call(graph, "aten::exp", {x});
  Value* made = call(graph, "aten::abs", {before});
  Value* again = call(graph, "aten::abs", {before});
  call(graph, "aten::neg_", {again});
  graph.add_output(
      call(graph, "aten::sub.Tensor", {call(graph, "aten::mul.Tensor", {made, again}), after, one}));
  merge_common(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::exp"), 2);
  EXPECT_EQ(count(graph, "aten::abs"), 2);
}

TEST(MergeCommon, LeavesRandomAndComparedValues) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  const std::vector<Value*> like = {x,
                                    constant(graph, IValue()),
                                    constant(graph, IValue()),
                                    constant(graph, IValue()),
                                    constant(graph, IValue()),
                                    constant(graph, IValue())};
  Value* noise = call(graph, "aten::rand_like", like);
  Value* other = call(graph, "aten::rand_like", like);
  Value* dropped = call(graph, "aten::dropout", {x, constant(graph, 0.5), constant(graph, true)});
  Value* dropped_again = call(graph, "aten::dropout", {x, constant(graph, 0.5), constant(graph, true)});
  Value* sum = call(graph, "aten::mul.Tensor", {noise, other});
  Value* a = call(graph, "aten::exp", {x});
  Value* b = call(graph, "aten::exp", {x});
  Value* same = call(graph, "aten::__is__", {a, b});
  same->type = bool_type();
  graph.add_output(same);
  graph.add_output(
      call(graph, "aten::mul.Tensor", {sum, call(graph, "aten::mul.Tensor", {dropped, dropped_again})}));
  merge_common(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::rand_like"), 2);
  EXPECT_EQ(count(graph, "aten::dropout"), 2);
  EXPECT_EQ(count(graph, "aten::exp"), 2);
}

TEST(MergeCommon, BlocksReadWhatIsBeforeThem) {
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  Value* flag = graph.add_input(bool_type(), "flag");
  Value* outer = call(graph, "aten::exp", {x});
  Node* branch = graph.create("prim::If", {flag});
  graph.block().append(branch);
  for (int arm = 0; arm < 2; ++arm) {
    Block* block = branch->add_block();
    Value* inner = call(*block, "aten::exp", {x});
    Value* own = call(*block, "aten::abs", {x});
    block->add_output(call(*block, "aten::mul.Tensor", {inner, own}));
  }
  Value* result = branch->add_output(tensor_type());
  graph.add_output(call(graph, "aten::mul.Tensor",
                        {call(graph, "aten::mul.Tensor", {result, outer}), call(graph, "aten::abs", {x})}));
  merge_common(graph);
  verify(graph);
  EXPECT_EQ(count(graph, "aten::exp"), 1);
  EXPECT_EQ(count(graph, "aten::abs"), 1);
  for (const auto& arm : branch->blocks) {
    EXPECT_EQ(count(*arm, "aten::exp"), 0);
    EXPECT_EQ(count(*arm, "aten::abs"), 1);  // what the other arm computed may not have run
  }
}

}  // namespace
}  // namespace calque::passes
