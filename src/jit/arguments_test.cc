#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "calque/error.h"
#include "jit/executable.h"

namespace calque::jit {
namespace {

using testing::HasSubstr;

FunctionSchema schema() {
  return parse_schema(
      "forward(Tensor x, int n, int[] sizes, *, float scale=2.0, Tensor? mask=None) -> Tensor");
}

std::string error_of(std::vector<IValue> positional, const Kwargs& kwargs) {
  try {
    bind_arguments(schema(), std::move(positional), kwargs);
  } catch (const TypeError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Arguments, PositionNameAndDefault) {
  const std::vector<IValue> bound =
      bind_arguments(schema(), {zeros({1}), 3}, {{"sizes", std::vector<int64_t>{1, 2}}, {"scale", 0.5}});
  ASSERT_EQ(bound.size(), 5U);
  EXPECT_EQ(bound[1].toInt(), 3);
  EXPECT_EQ(bound[2].toIntVector(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(bound[3].toDouble(), 0.5);
  EXPECT_TRUE(bound[4].isNone());
}

TEST(Arguments, ErrorsAsPyTorchWordsThem) {
  EXPECT_THAT(error_of({zeros({1})}, {}),
              HasSubstr("forward() is missing value for argument 'n'. Declaration: forward("));
  EXPECT_THAT(
      error_of({1, 1, 1, 1, 1, 1}, {}),
      HasSubstr("forward() expected at most 5 argument(s) but received 6 argument(s). Declaration: "));
  EXPECT_THAT(
      error_of({zeros({1}), 1.5}, {}),
      HasSubstr("forward() Expected a value of type 'int' for argument 'n' but instead found type 'float'.\n"
                "Position: 1"));
  EXPECT_THAT(error_of({zeros({1}), 1, std::vector<int64_t>{}}, {{"other", 1}}),
              HasSubstr("Unknown keyword argument 'other' for operator 'forward'. Schema: "));
  EXPECT_THAT(error_of({zeros({1}), 1, std::vector<int64_t>{}}, {{"n", 1}}),
              HasSubstr("forward() got multiple values for argument 'n'"));
}

}  // namespace
}  // namespace calque::jit
