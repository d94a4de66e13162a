#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "calque/script.h"

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

}  // namespace
}  // namespace calque::jit
