#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "calque/tensor.h"
#include "tensor/budget.h"
#include "tensor/testing.h"

namespace calque {
namespace {

TEST(Storage, IsAligned) {
  for (const int64_t n : {0, 1, 63, 64, 1000}) {
    const auto storage = Storage::allocate(n);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(storage->data()) % 64, 0u);
    EXPECT_EQ(storage->nbytes(), n);
  }
}

TEST(Storage, BudgetIsChargedAndGivenBack) {
  const auto budget = std::make_shared<MemoryBudget>(1000);
  Tensor kept;
  {
    const ScopedMemoryBudget scope(budget);
    kept = empty({100}, kFloat);
    EXPECT_EQ(budget->used, 400);
    EXPECT_THROW(empty({200}, kFloat), LimitError);
    EXPECT_EQ(budget->used, 400);
    empty({100}, kFloat);
    EXPECT_EQ(budget->used, 400);
  }
  empty({1000}, kFloat);
  kept = Tensor();
  EXPECT_EQ(budget->used, 0);
}

TEST(Storage, AbsurdSizesAreErrors) {
  EXPECT_EQ(message_of<RuntimeError>([] { zeros({int64_t{1} << 40, int64_t{1} << 40}); }),
            "Storage size calculation overflowed with sizes=[1099511627776, 1099511627776]");
  EXPECT_THROW(zeros({int64_t{1} << 61}), RuntimeError);
  EXPECT_THROW(zeros({-1, 2}), RuntimeError);
}

TEST(Storage, ViewsStayInside) {
  const auto storage = Storage::allocate(24);
  const Dims sizes = {2, 3};
  EXPECT_NO_THROW(from_storage(storage, 0, sizes, Dims{3, 1}, kFloat));
  EXPECT_THROW(from_storage(storage, 1, sizes, Dims{3, 1}, kFloat), RuntimeError);
  EXPECT_THROW(from_storage(storage, 0, sizes, Dims{4, 1}, kFloat), RuntimeError);
  EXPECT_THROW(from_storage(storage, 5, sizes, Dims{-3, 1}, kFloat), RuntimeError);
  EXPECT_THROW(from_storage(storage, -1, sizes, Dims{3, 1}, kFloat), RuntimeError);
  EXPECT_THROW(from_storage(storage, 0, Dims{2}, Dims{std::numeric_limits<int64_t>::max()}, kFloat),
               RuntimeError);
  EXPECT_THROW(from_storage(storage, 0, Dims{int64_t{1} << 40, int64_t{1} << 40}, Dims{0, 0}, kFloat),
               RuntimeError);
  EXPECT_EQ(message_of<RuntimeError>([&] { from_storage(storage, 0, Dims{3, 3}, Dims{3, 1}, kFloat); }),
            "setStorage: sizes [3, 3], strides [3, 1], storage offset 0, and itemsize 4 are out of bounds "
            "for storage "
            "of size 24");
}

TEST(Storage, BorrowedMemoryLivesAsLongAsTheTensor) {
  auto data = std::make_shared<std::vector<float>>(6, 1.5f);
  const std::weak_ptr<std::vector<float>> watch = data;
  Tensor t = from_blob(data->data(), Dims{2, 3}, kFloat, data);
  Tensor row = t[1];
  data.reset();
  t = Tensor();
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(row[2].item<float>(), 1.5f);
  row = Tensor();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace calque
