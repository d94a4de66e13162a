#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "calque/script.h"
#include "tensor/testing.h"

namespace calque::jit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kSource = R"(
import math
from typing import List, Optional

class Counter:
    def __init__(self, start: int):
        self.count = start

    def step(self, by: int = 1) -> int:
        self.count += by
        return self.count

    @staticmethod
    def twice(n: int) -> int:
        return n * 2

def scaled(x: Tensor, by: float = 2.0) -> Tensor:
    return x * by

def count(n: int, names: Optional[List[str]] = None):
    counter = Counter(n)
    counter.step()
    if names is not None:
        counter.step(len(names))
    return Counter.twice(counter.count), math.sqrt(4.0)
)";

TEST(Compile, RunsFunctions) {
  const auto unit = compile(kSource);
  EXPECT_THAT(unit->function_names(), ElementsAre("scaled", "count"));
  EXPECT_EQ(unit->run_method("scaled", ones({2}), 3.0).toTensor().data_ptr<float>()[1], 3.0F);
  EXPECT_EQ(unit->run("scaled", {ones({2})}, {{"by", 5.0}}).toTensor().data_ptr<float>()[0], 5.0F);
  const auto result = unit->run_method("count", 3, std::vector<std::string>{"a", "b"}).toTuple();
  EXPECT_EQ(result->elements()[0].toInt(), 12);
  EXPECT_EQ(result->elements()[1].toDouble(), 2.0);
  EXPECT_EQ(unit->schema("scaled"), "scaled(Tensor x, float by=2.) -> Tensor");
}

TEST(Compile, FunctionsBecomeModules) {
  const auto unit = compile(kSource);
  std::stringstream stream;
  unit->module("count").save(stream);
  const Module loaded = load(stream);
  EXPECT_EQ(loaded.original_name(), "PlaceholderModule");
  EXPECT_EQ(loaded.forward({IValue(4)}).toTuple()->elements()[0].toInt(), 10);
}

TEST(Compile, ErrorsNameThePlace) {
  try {
    compile("def f(x):\n    return x + y\n", {.label = "f.py"});
    FAIL() << "no error";
  } catch (const LoadError& error) {
    EXPECT_THAT(error.what(), HasSubstr("f.py:2:16: in __torch__.f: undefined value y"));
    EXPECT_THAT(error.what(), HasSubstr("        return x + y"));
  }
  EXPECT_THROW(compile("def f(x):\n    return x\n")->run_method("g", 1), ValueError);
}

TEST(Compile, PartsNameTheFilesThatTheyComeFrom) {
  const std::string source = "def one(x):\n    return x + 1\n\ndef two(x):\n    return one(x) + y\n";
  const CompileOptions options{.parts = {{.first_line = 1, .file = "a.py", .line = 10, .columns = 0},
                                         {.first_line = 4, .file = "b.py", .line = 7, .columns = 4}}};
  EXPECT_THAT(message_of<LoadError>([&] { compile(source, options); }),
              HasSubstr("b.py:8:25: in __torch__.two"));
  const std::string fails = "def one(x):\n    return x.view(7)\n";
  const auto unit = compile(fails, {.parts = {{.first_line = 1, .file = "a.py", .line = 10, .columns = 0}}});
  EXPECT_THAT(message_of<RuntimeError>([&] { unit->run_method("one", ones({2})); }),
              HasSubstr("a.py line 11"));
  const CompileOptions reversed{.parts = {{.first_line = 3}, {.first_line = 1}}};
  EXPECT_THAT(message_of<ValueError>([&] { compile(source, reversed); }), HasSubstr("in order"));
}

constexpr const char* kModules = R"(
class Scale(Module):
    __parameters__ = ["weight"]
    __buffers__ = []
    training : bool
    weight : Tensor
    def forward(self, x):
        return x * self.weight

class Twice(Module):
    __parameters__ = []
    __buffers__ = []
    training : bool
    inner : Scale
    def forward(self, x):
        return self.inner(self.inner(x))
)";

TEST(Compile, ModuleClassesBecomeObjects) {
  const auto unit = compile(kModules, {.modules = true});
  const Module inner = unit->object("Scale", {{"training", false}, {"weight", full({}, 3.0, kFloat)}});
  const Module outer = unit->object("Twice", {{"training", false}, {"inner", IValue(inner._ivalue())}});
  std::stringstream stream;
  outer.save(stream);
  const std::string bytes = stream.str();
  ExtraFilesMap extra = {{"absent", "x"}};
  const Module loaded = load(bytes.data(), bytes.size(), nullptr, extra);
  EXPECT_EQ(extra["absent"], "");
  EXPECT_EQ(loaded.original_name(), "Twice");
  ASSERT_EQ(loaded.named_parameters().size(), 1U);
  EXPECT_EQ(loaded.named_parameters()[0].name, "inner.weight");
  EXPECT_EQ(loaded.forward({ones({1})}).toTensor().item<float>(), 9.0F);

  EXPECT_THAT(message_of<TypeError>([&] { unit->object("Scale", {{"training", false}}); }),
              HasSubstr("missing value for argument 'weight'"));
  EXPECT_THAT(message_of<TypeError>([&] { unit->object("Scale", {{"training", false}, {"weight", 1}}); }),
              HasSubstr("'weight'"));
  EXPECT_THAT(message_of<ValueError>([&] { unit->object("Absent", {}); }), HasSubstr("no module class"));
  EXPECT_THAT(message_of<LoadError>([] { compile(kModules); }), HasSubstr("a module is an object"));
}

}  // namespace
}  // namespace calque::jit
