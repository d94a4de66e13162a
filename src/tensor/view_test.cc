#include <gtest/gtest.h>

#include <limits>

#include "calque/tensor.h"
#include "tensor/shape.h"
#include "tensor/testing.h"

namespace calque {
namespace {

using testing::ElementsAre;

Tensor iota(const Dims& sizes) {
  Tensor t = empty(sizes, kLong);
  for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<int64_t>()[i] = i;
  return t;
}

TEST(View, ExpandHasPyTorchsText) {
  const Tensor mask = zeros({1, 1, 7});
  EXPECT_EQ(message_of<RuntimeError>([&] { mask.expand(Dims{1, 3, 3}); }),
            "The expanded size of the tensor (3) must match the existing size (7) at non-singleton dimension "
            "2.  Target "
            "sizes: [1, 3, 3].  Tensor sizes: [1, 1, 7]");
  EXPECT_EQ(message_of<RuntimeError>([&] { mask.expand(Dims{7}); }),
            "expand(torch.FloatTensor{[1, 1, 7]}, size=[7]): the number of sizes provided (1) must be "
            "greater or equal "
            "to the number of dimensions in the tensor (3)");
  EXPECT_THAT(mask.expand(Dims{2, 5, -1}).sizes(), ElementsAre(2, 5, 7));
  EXPECT_THAT(mask.expand(Dims{2, 5, -1}).strides(), ElementsAre(0, 0, 1));
  EXPECT_THROW(mask.expand(Dims{int64_t{1} << 40, int64_t{1} << 40, 7}), RuntimeError);
}

TEST(View, ViewHasPyTorchsTexts) {
  const Tensor t = zeros({3, 3});
  EXPECT_EQ(message_of<RuntimeError>([&] { t.view(Dims{1, 1, 1, 3}); }),
            "shape '[1, 1, 1, 3]' is invalid for input of size 9");
  EXPECT_EQ(message_of<RuntimeError>([&] { t.transpose(0, 1).view(Dims{9}); }),
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two "
            "contiguous subspaces). Use .reshape(...) instead.");
  EXPECT_THROW(t.view(Dims{-1, -1}), RuntimeError);
  EXPECT_THROW(t.view(Dims{-2}), RuntimeError);
  EXPECT_THROW(t.view(Dims{int64_t{1} << 62, 4, 9}), RuntimeError);
  EXPECT_THROW(zeros({0, 3}).view(Dims{-1, 0}), RuntimeError);
  EXPECT_THAT(zeros({0, 3}).view(Dims{-1, 3}).sizes(), ElementsAre(0, 3));
}

TEST(View, ReshapeCopiesOnlyWhenItMust) {
  const Tensor t = iota({2, 3, 4});
  EXPECT_TRUE(t.reshape(Dims{6, 4}).storage() == t.storage());
  const Tensor r = t.transpose(0, 2).reshape(Dims{12, 2});
  EXPECT_FALSE(r.storage() == t.storage());
  EXPECT_EQ(r[1][0].item<int64_t>(), 4);
  EXPECT_EQ(r[11][1].item<int64_t>(), 23);
}

TEST(View, DimensionsOutOfRange) {
  const Tensor t = zeros({2, 3});
  EXPECT_EQ(message_of<IndexError>([&] { t.transpose(0, 2); }),
            "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
  EXPECT_EQ(message_of<IndexError>([&] { t.select(0, 5); }),
            "select(): index 5 out of range for tensor of size [2, 3] at dimension 0");
  EXPECT_THROW(t.size(-3), IndexError);
  EXPECT_THROW(zeros({}).size(0), IndexError);
  EXPECT_THROW(t.permute(Dims{0, 0}), RuntimeError);
  EXPECT_THROW(t.permute(Dims{0}), RuntimeError);
}

TEST(View, SliceClampsAndCannotOverflow) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  const Tensor t = iota({5, 2});
  EXPECT_THAT(t.slice(0, 1, kMax).sizes(), ElementsAre(4, 2));
  EXPECT_THAT(t.slice(0, kMin, -1).sizes(), ElementsAre(4, 2));
  EXPECT_THAT(t.slice(0, 0, kMax, kMax).sizes(), ElementsAre(1, 2));
  EXPECT_THAT(t.slice(0, 4, 2).sizes(), ElementsAre(0, 2));
  EXPECT_EQ(t.slice(0, 1, kMax, 2)[1][0].item<int64_t>(), 6);
  EXPECT_THROW(t.slice(0, 0, 1, 0), RuntimeError);
}

TEST(View, BroadcastShapes) {
  EXPECT_THAT(broadcast_shapes(Dims{2, 1, 3}, Dims{4, 1}), ElementsAre(2, 4, 3));
  EXPECT_EQ(message_of<RuntimeError>([] { broadcast_shapes(Dims{1, 2, 3, 3}, Dims{1, 2, 3, 7}); }),
            "The size of tensor a (3) must match the size of tensor b (7) at non-singleton dimension 3");
}

TEST(View, CloneKeepsTheOrderOfDimensions) {
  const Tensor t = iota({3, 4}).transpose(0, 1);
  EXPECT_THAT(t.clone().strides(), ElementsAre(1, 4));
  EXPECT_THAT(iota({3, 8}).slice(1, 0, 8, 2).transpose(0, 1).clone().strides(), ElementsAre(1, 4));
  EXPECT_TRUE(equal(t.clone(), t));
  EXPECT_TRUE(t.contiguous().is_contiguous());
}

TEST(View, Dense) {
  EXPECT_TRUE(is_dense(Dims{2, 3}, Dims{1, 2}));
  EXPECT_FALSE(is_dense(Dims{2, 3}, Dims{6, 2}));
  EXPECT_FALSE(is_dense(Dims{2}, Dims{0}));
  EXPECT_TRUE(is_dense(Dims{1}, Dims{9}));
}

}  // namespace
}  // namespace calque
