#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "calque/compilation_unit.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "torchscript/reader_testing.h"

namespace calque::jit {
namespace {

using testing::ElementsAre;
using torchscript::testing_support::FakeArchive;
using torchscript::testing_support::load_bytes;
using torchscript::testing_support::pickled_int;
using torchscript::testing_support::pickled_object;

/// Two modules below a root, one of them under two names.
Module tree() {
  FakeArchive archive;
  archive.sources = {{"__torch__",
                      "class Leaf(Module):\n  training : bool\n  n : int\n"
                      "  def forward(self: __torch__.Leaf, x: int) -> int:\n    return torch.add(x, self.n)\n"
                      "class Root(Module):\n  training : bool\n  a : __torch__.Leaf\n  b : __torch__.Leaf\n"
                      "  def forward(self: __torch__.Root, x: int) -> int:\n"
                      "    a = self.a\n    b = self.b\n    return (b).forward((a).forward(x, ), )\n"}};
  const std::string leaf = pickled_object("Leaf", {{"training", "\x88"}, {"n", pickled_int(5)}});
  archive.data_pickle = pickled_object("Root", {{"training", "\x88"}, {"a", leaf + "q\x07"}, {"b", "h\x07"}});
  return Module(load_bytes(archive.bytes()).root);
}

std::vector<std::string> names(const std::vector<std::pair<std::string, Module>>& modules) {
  std::vector<std::string> found;
  for (const auto& [name, module] : modules) found.push_back(name);
  return found;
}

TEST(Module, SharedSubmodulesAreNamedOnce) {
  EXPECT_THAT(names(tree().named_modules()), ElementsAre("", "a"));
  EXPECT_THAT(names(tree().named_children()), ElementsAre("a", "b"));
}

TEST(Module, AttributesAreTyped) {
  const Module root = tree();
  const Module leaf(root.attr("a").toObject());
  EXPECT_EQ(leaf.attr("n").toInt(), 5);
  leaf.setattr("n", 7);
  EXPECT_EQ(root.forward({1}).toInt(), 15);
  EXPECT_THROW(leaf.setattr("n", "text"), TypeError);
  EXPECT_THROW(leaf.setattr("m", 1), RuntimeError);
  EXPECT_THROW(leaf.attr("m"), RuntimeError);
  EXPECT_EQ(leaf.attr("m", IValue(3)).toInt(), 3);
  EXPECT_TRUE(leaf.hasattr("n"));
  EXPECT_FALSE(leaf.hasattr("m"));
}

TEST(Module, TrainAndEvalReachEverySubmodule) {
  const Module root = tree();
  EXPECT_TRUE(root.is_training());
  root.eval();
  EXPECT_FALSE(root.is_training());
  EXPECT_FALSE(Module(root.attr("a").toObject()).is_training());
}

TEST(Module, CopiesKeepSharing) {
  const Module root = tree();
  const Module copy = root.deepcopy();
  EXPECT_TRUE(copy.attr("a").is(copy.attr("b")));
  EXPECT_FALSE(copy.attr("a").is(root.attr("a")));
  Module(copy.attr("a").toObject()).setattr("n", 100);
  EXPECT_EQ(root.forward({0}).toInt(), 10);
  EXPECT_EQ(copy.forward({0}).toInt(), 200);
}

TEST(Module, MethodsAreFoundByName) {
  const Module root = tree();
  EXPECT_EQ(root.get_method("forward").schema(), "forward(__torch__.Root self, int x) -> int");
  EXPECT_FALSE(root.find_method("backward").has_value());
  EXPECT_THROW(root.get_method("backward"), RuntimeError);
  EXPECT_EQ(root.run_method("forward", {2}).toInt(), 12);
}

TEST(Module, EmptyHandlesSaySo) {
  const Module empty;
  EXPECT_FALSE(empty);
  EXPECT_THROW(empty.forward({}), ValueError);
  EXPECT_THROW(empty.named_modules(), ValueError);
  EXPECT_THROW(empty.save("x.pt"), Error);
}

TEST(Module, ExtraFilesComeBack) {
  std::ostringstream out;
  tree().save(out, {{"a.txt", "text"}, {"b/c.bin", std::string("\0\xff", 2)}});
  std::istringstream in(out.str());
  const Module again = load(in);
  EXPECT_EQ(again.forward({1}).toInt(), 11);
  const auto bytes = std::make_shared<const std::string>(out.str());
  const auto archive = torchscript::read_archive(as_bytes(*bytes), bytes, "m.pt");
  EXPECT_EQ(archive.extra("a.txt"), "text");
  EXPECT_EQ(archive.extra("b/c.bin"), std::string("\0\xff", 2));
  EXPECT_EQ(archive.extra("c"), std::nullopt);
}

TEST(Module, AResultThatIsAListIsNew) {
  const auto unit = compile("def f() -> List[int]:\n    return [1, 2, 3]\n");
  const IValue first = unit->run("f", {});
  first.toListRef()->items.clear();
  EXPECT_EQ(unit->run("f", {}).toIntVector(), (std::vector<int64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace calque::jit
