#include <gtest/gtest.h>

#include <cmath>

#include "calque/tensor.h"
#include "tensor/shape.h"
#include "tensor/testing.h"

namespace calque {
namespace {

TEST(Copy, BroadcastsAndCasts) {
  Tensor t = zeros({2, 3}, kFloat);
  t.copy_(tensor({1, 2, 3}));
  EXPECT_EQ(t[1][2].item<float>(), 3.0f);
  t.transpose(0, 1).copy_(tensor(Scalar(7)));
  EXPECT_TRUE(equal(t, full(Dims{2, 3}, 7, kFloat)));
  EXPECT_EQ(message_of<RuntimeError>([&] { t.copy_(zeros({4, 2, 3})); }),
            "output with shape [2, 3] doesn't match the broadcast shape [4, 2, 3]");
  EXPECT_THROW(t.copy_(zeros({2, 4})), RuntimeError);
}

TEST(Copy, OverlapIsSafe) {
  Tensor t = tensor({0, 1, 2, 3, 4});
  t.slice(0, 1, 5).copy_(t.slice(0, 0, 4));
  EXPECT_TRUE(equal(t, tensor({0, 0, 1, 2, 3})));
  Tensor square = tensor(std::vector<std::vector<int64_t>>{{1, 2}, {3, 4}});
  square.copy_(square.transpose(0, 1));
  EXPECT_TRUE(equal(square, tensor(std::vector<std::vector<int64_t>>{{1, 3}, {2, 4}})));
}

TEST(Copy, BoolBytesOtherThanOneAreTrue) {
  uint8_t bytes[] = {0, 1, 2, 255};
  const Tensor t = from_blob(bytes, Dims{4}, kBool);
  EXPECT_TRUE(equal(t.to(kLong), tensor({0, 1, 1, 1})));
  EXPECT_TRUE(t[3].item<bool>());
}

TEST(Copy, Compare) {
  const Tensor nan = full(Dims{2}, NAN, kFloat);
  EXPECT_FALSE(equal(nan, nan));
  EXPECT_TRUE(allclose(nan, nan, 0, 0, true));
  EXPECT_FALSE(allclose(nan, nan));
  EXPECT_FALSE(equal(zeros({2}), zeros({2}, kDouble)));
  EXPECT_TRUE(allclose(full(Dims{2}, 1.0, kFloat), full(Dims{2}, 1.000001, kFloat)));
}

TEST(Copy, OverlapChecks) {
  const Tensor t = zeros({4});
  EXPECT_THROW(check_no_partial_overlap(t.slice(0, 1, 4), t.slice(0, 0, 3)), RuntimeError);
  EXPECT_NO_THROW(check_no_partial_overlap(t.slice(0, 0, 2), t.slice(0, 2, 4)));
  EXPECT_THROW(check_no_internal_overlap(zeros({1, 3}).expand(Dims{2, 3})), RuntimeError);
}

}  // namespace
}  // namespace calque
