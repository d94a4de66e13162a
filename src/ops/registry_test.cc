#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "ops/operator.h"
#include "ops/support.h"
#include "tensor/testing.h"

namespace calque {
namespace {

using testing::HasSubstr;

const Operator& op(std::string_view name) {
  const Operator* found = find_operator(name);
  EXPECT_NE(found, nullptr) << name;
  return *found;
}

TEST(Registry, EveryOverloadIsFoundByName) {
  std::set<std::string> names;
  for (const Operator* o : all_operators()) {
    EXPECT_TRUE(names.insert(o->schema().full_name()).second) << o->schema().full_name();
    EXPECT_EQ(find_operator(o->schema().full_name()), o);
  }
  EXPECT_GT(names.size(), 1000u);
}

TEST(Registry, NothingThatReachesMemoryOrFiles) {
  for (const char* name : {"aten::from_file", "aten::save", "aten::set_", "inductor::_reinterpret_tensor"}) {
    EXPECT_TRUE(find_operators(name).empty()) << name;
  }
  EXPECT_EQ(find_operator("aten::add.Nothing"), nullptr);
}

TEST(Registry, LookUpFromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (const char* name : {"aten::mul", "aten::view", "aten::sum", "aten::__getitem__"}) {
        EXPECT_FALSE(find_operators(name).empty());
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

TEST(Call, FillsInDefaultsAndConverts) {
  const std::vector<IValue> sum = call_operator(op("aten::add.Tensor"), {ones({2}), ones({2})});
  EXPECT_TRUE(equal(sum[0].toTensor(), full(Dims{2}, 2, kFloat)));
  const std::vector<IValue> total = call_operator(op("aten::sum.dim_IntList"), {ones({2, 3}), IValue(1)});
  EXPECT_TRUE(equal(total[0].toTensor(), full(Dims{2}, 3, kFloat)));
}

TEST(Call, WrongArgumentsSayWhatIsWrong) {
  EXPECT_THAT(message_of<RuntimeError>([] { call_operator(op("aten::relu"), {}); }),
              HasSubstr("aten::relu() is missing value for argument 'self'. Declaration: aten::relu("));
  EXPECT_THAT(
      message_of<RuntimeError>([] { call_operator(op("aten::relu"), {IValue(1)}); }),
      HasSubstr("Expected a value of type 'Tensor' for argument 'self' but instead found type 'int'"));
  EXPECT_THAT(message_of<RuntimeError>([] { call_operator(op("aten::relu"), {ones({1}), IValue(1)}); }),
              HasSubstr("expected at most 1 argument(s) but received 2 argument(s)"));
}

/// A constant of a traced program that stands for a Python number.
Tensor constant(double value) {
  const Tensor t = full({}, value, kDouble);
  t.impl()->wrapped_number = true;
  return t;
}

ScalarType product_type(const Tensor& a, const Tensor& b) {
  return call_operator(op("aten::mul.Tensor"), {a, b})[0].toTensor().dtype();
}

TEST(Promotion, ConstantsActLikeNumbers) {
  EXPECT_EQ(product_type(ones({2}, kLong), constant(0.5)), kFloat);
  EXPECT_EQ(product_type(ones({}, kFloat), constant(0.5)), kFloat);
  EXPECT_EQ(product_type(ones({2}, kHalf), constant(0.5)), kHalf);
  EXPECT_EQ(product_type(ones({2}, kLong), full({}, 0.5, kDouble)), kDouble);
  EXPECT_EQ(product_type(ones({}, kFloat), full({}, 0.5, kDouble)), kDouble);
  EXPECT_EQ(product_type(ones({2}, kFloat), full({}, 0.5, kDouble)), kFloat);
  EXPECT_EQ(product_type(ones({2}, kInt), ones({}, kLong)), kInt);
}

TEST(InPlace, WritesThroughViews) {
  const Tensor base = zeros({2, 3});
  call_operator(op("aten::add_.Scalar"), {base.transpose(0, 1)[1], IValue(2)});
  EXPECT_EQ(base[0][1].item<float>(), 2);
  EXPECT_EQ(base[1][1].item<float>(), 2);
  EXPECT_EQ(base[1][2].item<float>(), 0);
}

TEST(Attention, RowsWithoutKeysGiveZero) {
  const Tensor x = ones({1, 2, 4});
  const Tensor mask = zeros({2, 2}, kBool);
  mask[0].fill_(true);
  const Tensor out = call_operator(op("aten::scaled_dot_product_attention"), {x, x, x, mask})[0].toTensor();
  EXPECT_TRUE(equal(out[0][0], ones({4})));
  EXPECT_TRUE(equal(out[0][1], zeros({4})));
}

TEST(Dropout, TrainingIsRefusedWithAdvice) {
  EXPECT_THAT(message_of<NotImplementedError>(
                  [] { call_operator(op("aten::dropout"), {ones({2}), IValue(0.1), IValue(true)}); }),
              HasSubstr("eval()"));
}

}  // namespace
}  // namespace calque
