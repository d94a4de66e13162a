#include "ir/graph_parse.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "calque/error.h"

namespace calque {
namespace {

Value* append_constant(Graph& graph, Block& block, IValue value) {
  Node* node = graph.create_constant(std::move(value));
  block.append(node);
  return node->output();
}

IValue random_constant(std::mt19937& rng) {
  const auto number = [&] { return static_cast<int64_t>(rng()) - (int64_t{1} << 31); };
  switch (rng() % 12) {
    case 0:
      return number();
    case 1:
      return static_cast<double>(number()) * std::pow(10.0, static_cast<double>(rng() % 60) - 30);
    case 2:
      return rng() % 2 == 0;
    case 3:
      return std::string("a \"text\"\\ with\n\x01\xff, [brackets] %and \0 zero", 41);
    case 4:
      return Device::parse("cuda:1");
    case 5:
      return zeros({static_cast<int64_t>(rng() % 4), 3}, rng() % 2 == 0 ? kFloat : kBool);
    case 6:
      return full({}, static_cast<double>(number()) / 7, kDouble);
    case 7:
      return std::vector<int64_t>{number(), number()};
    case 8:
      return std::vector<std::string>{"x, y", "]"};
    case 9:
      return IValue::tuple(
          {number(), IValue(std::vector<double>{0.5, -std::numeric_limits<double>::infinity()})});
    case 10:
      return std::complex<double>(1e20, -0.25);
    default:
      return {};
  }
}

/// Nodes that read earlier values, some with blocks.
void fill(std::mt19937& rng, Graph& graph, Block& block, std::vector<Value*> known, int depth) {
  for (int i = 0; i < 6; ++i) {
    known.push_back(append_constant(graph, block, random_constant(rng)));
    if (rng() % 3 == 0) known.back()->hint = rng() % 2 == 0 ? "x" : "input_ids.1";
    Node* node = graph.create("aten::something_", {known[rng() % known.size()], known[rng() % known.size()]});
    const std::vector<TypePtr> types = {list_type(optional_type(tensor_type())),
                                        dict_type(string_type(), tuple_type({int_type(), float_type()})),
                                        std::make_shared<const ClassType>("__torch__.a.B", true)};
    for (size_t n = rng() % 4; n > 0; --n) node->add_output(types[rng() % 3], rng() % 2 == 0 ? "y" : "");
    if (rng() % 2 == 0) node->scope = rng() % 2 == 0 ? "encoder.layer.0" : "named.k v";
    if (rng() % 2 == 0) node->name = "key";
    if (rng() % 4 == 0) node->types = {int_type(), list_type(int_type())};
    if (rng() % 2 == 0) {
      node->range.file = std::make_shared<const std::string>("code/__torch__/a.py");
      node->range.line = 7;
    }
    block.append(node);
    if (depth > 0 && rng() % 3 == 0) {
      Block* inner = node->add_block();
      std::vector<Value*> inside = known;
      inside.push_back(inner->add_input(int_type(), "i"));
      fill(rng, graph, *inner, inside, depth - 1);
      inner->add_output(inside.back());
    }
    known.insert(known.end(), node->outputs.begin(), node->outputs.end());
  }
}

TEST(GraphParse, ReadsBackWhatIsPrinted) {
  std::mt19937 rng(1);
  for (int round = 0; round < 200; ++round) {
    Graph graph;
    Value* x = graph.add_input(tensor_type(), "x");
    fill(rng, graph, graph.block(), {x}, 3);
    graph.add_output(x);
    const std::string text = to_string(graph);
    ASSERT_EQ(to_string(*parse_graph(text)), text);
  }
}

TEST(GraphParse, KeepsStructure) {
  const std::unique_ptr<Graph> graph = parse_graph(
      "graph(%x : Tensor):\n"
      "  %0 : int = prim::Constant[value=3]()\n"
      "  %y : Tensor = aten::add(%x, %x, %0), scope: a.b # f.py:12\n"
      "  return (%y)\n");
  const Node& add = *graph->outputs()[0]->node;
  EXPECT_EQ(add.kind, "aten::add");
  EXPECT_EQ(add.input(0), graph->inputs()[0]);
  EXPECT_EQ(add.input(2)->node->value.toInt(), 3);
  EXPECT_EQ(add.scope, "a.b");
  EXPECT_EQ(add.range.line, 12);
}

TEST(GraphParse, SaysWhereATextIsWrong) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      parse_graph(text);
    } catch (const ValueError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_NE(message("graph(%x : Tensor):\n  %y : int = f(%z)\n").find("line 2"), std::string::npos);
  EXPECT_NE(message("graph(%x : Tensor):\n  %x : int = f(%x)\n  return ()\n").find("another name"),
            std::string::npos);
  EXPECT_NE(message("").find("'graph'"), std::string::npos);
  EXPECT_NE(message("graph(%x : " + std::string(100'000, '(')).find("nest"), std::string::npos);
  EXPECT_NE(
      message("graph():\n  %0 : __torch__.A = prim::Constant[value=<__torch__.A object>]()\n  return ()\n")
          .find("a constant that text can hold"),
      std::string::npos);
}

TEST(GraphParse, PiecesOfTextsAreRefusedOrRead) {
  std::mt19937 rng(2);
  Graph graph;
  Value* x = graph.add_input(tensor_type(), "x");
  fill(rng, graph, graph.block(), {x}, 2);
  graph.add_output(x);
  const std::string text = to_string(graph);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = text.substr(0, rng() % (text.size() + 1));
    if (!damaged.empty() && round % 2 == 0) {
      damaged = text;
      damaged[rng() % damaged.size()] = "%()[]{}:\"\\ 0x?"[rng() % 15];
    }
    try {
      parse_graph(damaged);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): either is fine
    }
  }
}

}  // namespace
}  // namespace calque
