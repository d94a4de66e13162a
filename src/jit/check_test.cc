#include "calque/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "calque/compilation_unit.h"
#include "calque/error.h"
#include "jit/check_parts.h"
#include "ops/operator.h"

namespace calque::jit {
namespace {

using testing::HasSubstr;

int64_t products(const char* name, std::vector<IValue> arguments) {
  const Operator* op = find_operator(name);
  EXPECT_NE(op, nullptr) << name;
  for (size_t i = arguments.size(); i < op->schema().arguments.size(); ++i)
    arguments.push_back(*op->schema().arguments[i].default_value);
  const std::vector<IValue> results = call_operator(*op, arguments);
  return multiply_adds(op->name(), arguments, results);
}

TEST(MultiplyAdds, OfEveryKindOfProduct) {
  EXPECT_EQ(products("aten::matmul", {zeros({2, 3, 4}), zeros({4, 5})}), 2 * 3 * 4 * 5);
  EXPECT_EQ(products("aten::bmm", {zeros({2, 3, 4}), zeros({2, 4, 5})}), 2 * 3 * 4 * 5);
  EXPECT_EQ(products("aten::linear", {zeros({3, 4}), zeros({5, 4}), zeros({5})}), 3 * 4 * 5);
  EXPECT_EQ(products("aten::addmm", {zeros({5}), zeros({3, 4}), zeros({4, 5})}), 3 * 4 * 5);
  EXPECT_EQ(products("aten::dot", {zeros({7}), zeros({7})}), 7);
  EXPECT_EQ(
      products("aten::einsum", {"bij,bkj->bik", std::vector<Tensor>{zeros({2, 3, 4}), zeros({2, 5, 4})}}),
      2 * 3 * 4 * 5);
  EXPECT_EQ(products("aten::conv1d", {zeros({1, 2, 8}), zeros({6, 2, 3})}), 6 * 6 * 2 * 3);
  EXPECT_EQ(products("aten::scaled_dot_product_attention",
                     {zeros({1, 2, 3, 4}), zeros({1, 2, 5, 4}), zeros({1, 2, 5, 4})}),
            2 * 3 * 5 * (4 + 4));
  EXPECT_EQ(products("aten::add.Tensor", {zeros({3}), zeros({3})}), 0);
}

TEST(Support, EveryFastNameIsAnOperator) {
  EXPECT_EQ(support_of(*find_operator("aten::linear")), Support::Fast);
  EXPECT_EQ(support_of(*find_operator("aten::add.Tensor")), Support::Fast);
  EXPECT_EQ(support_of(*find_operator("aten::add.int")), Support::Trivial);
  EXPECT_EQ(support_of(*find_operator("aten::view")), Support::Trivial);
  EXPECT_EQ(support_of(*find_operator("aten::size.int")), Support::Trivial);
  EXPECT_EQ(support_of(*find_operator("aten::cumsum")), Support::Reference);
}

CheckOptions at_shape(const std::vector<int64_t>& shape) {
  CheckOptions options;
  options.shapes = {shape};
  return options;
}

TEST(Check, OfAModuleInMemory) {
  const Module module =
      compile("def f(x: Tensor, n: int) -> Tensor:\n    return x.matmul(x) + n\n")->module("f");
  const CheckReport report = check(module, at_shape({4, 4}));
  EXPECT_TRUE(report.loads);
  EXPECT_TRUE(report.runs) << report.error;
  EXPECT_EQ(report.count(Support::Fast), 2);
  ASSERT_EQ(report.costs.size(), 1U);
  EXPECT_EQ(report.costs[0].multiply_adds, 64);
  EXPECT_THAT(to_text(report), HasSubstr("would run here:  yes"));
  EXPECT_THAT(to_json(report), HasSubstr("\"multiply_adds\": 64"));
}

TEST(Check, ReportsRunsThatFail) {
  const Module module = compile("def f(x: Tensor, s: str) -> Tensor:\n    return x\n")->module("f");
  const CheckReport report = check(module, at_shape({4}));
  EXPECT_TRUE(report.loads);
  EXPECT_FALSE(report.runs);
  EXPECT_THAT(report.error, HasSubstr("argument 's' is of type str"));
}

TEST(Check, RefusesShapesThatAreNone) {
  EXPECT_THROW(check("m.pt", at_shape({})), ValueError);
  EXPECT_THROW(check("m.pt", at_shape({1, -2})), ValueError);
  EXPECT_EQ(check("/no/such/file.pt").error_kind, "LoadError");
}

}  // namespace
}  // namespace calque::jit
