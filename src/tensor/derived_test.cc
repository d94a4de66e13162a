#include "tensor/derived.h"

#include <gtest/gtest.h>

#include <thread>

namespace calque {
namespace {

const char kKind = 0, kOther = 0;

/// Counts how often something was made.
struct Maker {
  int made = 0;
  std::shared_ptr<const void> get(const void* kind, std::initializer_list<Tensor> sources) {
    const std::vector<Tensor> list(sources);
    return derived_value(kind, list, [this] {
      ++made;
      return std::make_shared<const int>(made);
    });
  }
};

TEST(Derived, IsMadeOnceForEachKindAndPlace) {
  Maker maker;
  const Tensor a = zeros({4, 6}), b = zeros({4, 6});
  const auto first = maker.get(&kKind, {a});
  EXPECT_EQ(maker.get(&kKind, {a}), first);
  EXPECT_EQ(maker.get(&kKind, {a.view(Dims{4, 6})}), first);
  EXPECT_EQ(maker.made, 1);
  EXPECT_NE(maker.get(&kOther, {a}), first);
  EXPECT_NE(maker.get(&kKind, {a.slice(0, 1, 3)}), first);
  EXPECT_NE(maker.get(&kKind, {a.transpose(0, 1)}), first);
  EXPECT_NE(maker.get(&kKind, {a, b}), first);
  EXPECT_NE(maker.get(&kKind, {b}), first);
  EXPECT_EQ(maker.made, 6);
}

TEST(Derived, IsMadeAgainAfterAWriteToAnySource) {
  Maker maker;
  const Tensor a = zeros({4}), b = zeros({4});
  maker.get(&kKind, {a, b});
  b.fill_(1);
  maker.get(&kKind, {a, b});
  EXPECT_EQ(maker.made, 2);
  a.slice(0, 1, 2).copy_(ones({1}));
  maker.get(&kKind, {a, b});
  EXPECT_EQ(maker.made, 3);
  a.storage()->mark_written();
  maker.get(&kKind, {a, b});
  maker.get(&kKind, {a, b});
  EXPECT_EQ(maker.made, 4);
}

TEST(Derived, IsNotMadeOfWhatOthersMayWrite) {
  Maker maker;
  const Tensor a = zeros({4}), b = zeros({4});
  maker.get(&kKind, {a, b});
  b.storage()->expose();
  EXPECT_EQ(maker.get(&kKind, {a, b}), nullptr);
  EXPECT_NE(maker.get(&kKind, {a}), nullptr);
}

TEST(Derived, GoesWithItsStorage) {
  Maker maker;
  std::weak_ptr<const void> seen;
  {
    const Tensor a = zeros({4});
    seen = maker.get(&kKind, {a});
    EXPECT_FALSE(seen.expired());
  }
  EXPECT_TRUE(seen.expired());
}

TEST(Derived, ASecondSourceIsNotTakenForItsSuccessor) {
  Maker maker;
  const Tensor a = zeros({4});
  for (int i = 1; i < 20; ++i) {
    maker.get(&kKind, {a, zeros({4})});  // often at the same address
    EXPECT_EQ(maker.made, i);
  }
}

TEST(Derived, ThreadsShareOne) {
  const Tensor a = zeros({4});
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        const std::vector<Tensor> sources = {a};
        derived_value(&kKind, sources, [&] {
          ++made;
          return std::make_shared<const int>(1);
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
}

TEST(Derived, TellsWhatWasMadeOfWhat) {
  Maker maker;
  const Tensor a = zeros({4, 6}), b = zeros({3});
  EXPECT_TRUE(derived_values(*a.storage()).empty());
  const auto first = maker.get(&kKind, {a, b});
  const auto second = maker.get(&kOther, {a.slice(0, 1, 3)});
  const std::vector<DerivedValue> all = derived_values(*a.storage());
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[0].kind, &kKind);
  EXPECT_EQ(all[0].value, first);
  ASSERT_EQ(all[0].sources.size(), 2);
  EXPECT_EQ(all[0].sources[1].storage, storage_id(*b.storage()));
  EXPECT_EQ(all[0].sources[1].sizes, (Dims{3}));
  EXPECT_EQ(all[1].value, second);
  EXPECT_EQ(all[1].sources[0].offset, 6);
  EXPECT_EQ(all[1].sources[0].version, a.storage()->version());
  EXPECT_TRUE(derived_values(*b.storage()).empty());
}

TEST(Derived, AnErrorLeavesNothing) {
  const Tensor a = zeros({4});
  const std::vector<Tensor> sources = {a};
  EXPECT_THROW(
      derived_value(&kKind, sources, []() -> std::shared_ptr<const void> { throw std::bad_alloc(); }),
      std::bad_alloc);
  Maker maker;
  EXPECT_NE(maker.get(&kKind, {a}), nullptr);
  EXPECT_EQ(maker.made, 1);
}

}  // namespace
}  // namespace calque
