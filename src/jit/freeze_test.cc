#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "calque/error.h"
#include "calque/jit.h"
#include "torchscript/reader_testing.h"

namespace calque::jit {
namespace {

using testing::HasSubstr;
using testing::Not;
using torchscript::testing_support::FakeArchive;
using torchscript::testing_support::load_bytes;
using torchscript::testing_support::pickled_int;
using torchscript::testing_support::pickled_object;

Module counting(bool training) {
  FakeArchive archive;
  archive.sources = {
      {"__torch__",
       "class Leaf(Module):\n  n : int\n"
       "  def forward(self: __torch__.Leaf, x: int) -> int:\n    return torch.add(x, self.n)\n"
       "class Root(Module):\n  training : bool\n  calls : int\n  leaf : __torch__.Leaf\n  spare : "
       "__torch__.Leaf\n"
       "  def forward(self: __torch__.Root, x: int) -> int:\n"
       "    self.calls = torch.add(self.calls, 1)\n"
       "    if self.training:\n      y = torch.mul(x, 1000)\n    else:\n      y = x\n"
       "    leaf = self.leaf\n    return torch.add((leaf).forward(y, ), self.calls)\n"
       "  def other(self: __torch__.Root) -> int:\n    leaf = self.leaf\n    return (leaf).forward(1, )\n"}};
  const std::string leaf = pickled_object("Leaf", {{"n", pickled_int(5)}});
  archive.data_pickle = pickled_object(
      "Root",
      {{"training", training ? "\x88" : "\x89"}, {"calls", pickled_int(0)}, {"leaf", leaf}, {"spare", leaf}});
  return Module(load_bytes(archive.bytes()).root);
}

TEST(Freeze, FoldsWhatIsNotAssigned) {
  const Module module = counting(false);
  const Module frozen = freeze(module);
  EXPECT_TRUE(frozen.hasattr("calls"));
  EXPECT_FALSE(frozen.hasattr("leaf"));
  EXPECT_FALSE(frozen.hasattr("training"));
  EXPECT_FALSE(frozen.find_method("other").has_value());
  EXPECT_THAT(frozen.graph(), Not(HasSubstr("prim::If")));
  EXPECT_EQ(frozen.forward({10}).toInt(), 16);
  EXPECT_EQ(frozen.forward({10}).toInt(), 17);
  EXPECT_EQ(module.attr("calls").toInt(), 0) << "the module that was frozen is another object";
  EXPECT_EQ(module.forward({10}).toInt(), 16);
}

TEST(Freeze, KeepsWhatIsPreserved) {
  const Module frozen = freeze(counting(false), {"other", "leaf.n", "spare"});
  EXPECT_EQ(frozen.run_method("other", {}).toInt(), 6);
  Module(frozen.attr("leaf").toObject()).setattr("n", 50);
  EXPECT_EQ(frozen.run_method("other", {}).toInt(), 51);
  EXPECT_EQ(frozen.forward({0}).toInt(), 51);
  EXPECT_EQ(Module(frozen.attr("spare").toObject()).forward({1}).toInt(), 6);
}

TEST(Freeze, RefusesTrainingModeAndUnknownNames) {
  EXPECT_THROW(freeze(counting(true)), RuntimeError);
  EXPECT_THROW(freeze(counting(false), {"nothing"}), RuntimeError);
  EXPECT_THROW(freeze(counting(false), {"calls.n"}), RuntimeError);
  EXPECT_THROW(freeze(counting(false), {""}), RuntimeError);
  EXPECT_THROW(freeze(Module()), ValueError);
}

TEST(OptimizeForInference, FreezesInEvalMode) {
  const Module module = counting(true);
  const Module optimised = optimize_for_inference(module, {"other"});
  EXPECT_FALSE(module.is_training());
  EXPECT_EQ(optimised.forward({10}).toInt(), 16);
  EXPECT_EQ(optimised.run_method("other", {}).toInt(), 6);
  EXPECT_TRUE(optimize_for_inference(optimised)._ivalue() == optimised._ivalue());
}

TEST(Freeze, WithoutTheOldModule) {
  const Module frozen = [] { return freeze(counting(false)); }();
  EXPECT_EQ(frozen.forward({1}).toInt(), 7);
  EXPECT_THAT(frozen.code(), HasSubstr("def forward(self"));
}

}  // namespace
}  // namespace calque::jit
