#include "tensor/block_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace calque {
namespace {

bool caches() {
  const ScopedBlockCache scope;
  std::byte* block = take_block(100);
  give_block(block, 100);
  return cached_block_bytes() > 0;
}

TEST(BlockCache, GivesTheSameBlockAgain) {
  if (!caches()) GTEST_SKIP() << "off under sanitizers";
  const ScopedBlockCache scope;
  std::byte* first = take_block(100'000);
  give_block(first, 100'000);
  std::byte* second = take_block(99'990);
  EXPECT_EQ(first, second);
  give_block(second, 99'990);
}

TEST(BlockCache, BlocksAreAlignedDisjointAndLargeEnough) {
  std::mt19937 random(1);
  const ScopedBlockCache scope;
  std::vector<std::pair<std::byte*, int64_t>> held;
  for (int i = 0; i < 20'000; ++i) {
    if (held.size() > 40 || (random() % 2 == 0 && !held.empty())) {
      const size_t k = random() % held.size();
      const auto [block, bytes] = held[k];
      EXPECT_EQ(static_cast<int>(block[0]), static_cast<int>(bytes % 200));
      EXPECT_EQ(static_cast<int>(block[bytes - 1]), static_cast<int>(bytes % 200));
      give_block(block, bytes);
      held[k] = held.back();
      held.pop_back();
    } else {
      const int64_t bytes = int64_t{1} << (random() % 16);
      const int64_t size = bytes + static_cast<int64_t>(random()) % bytes;
      std::byte* block = take_block(size);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0U);
      std::memset(block, static_cast<int>(size % 200), static_cast<size_t>(size));
      held.emplace_back(block, size);
    }
  }
  for (const auto& [block, bytes] : held) give_block(block, bytes);
}

TEST(BlockCache, KeepsNoMoreThanARunNeeded) {
  if (!caches()) GTEST_SKIP() << "off under sanitizers";
  {
    const ScopedBlockCache scope;  // Growing sizes, one at a time: the sum of all would be far more.
    for (int64_t bytes = 1 << 20; bytes < (64 << 20); bytes += 1 << 20) give_block(take_block(bytes), bytes);
    EXPECT_LE(cached_block_bytes(), 100 << 20);
  }
  {
    const ScopedBlockCache scope;
    give_block(take_block(1000), 1000);
  }
  EXPECT_LE(cached_block_bytes(), 1 << 20) << "a small run lets go of what a large one left";
}

TEST(BlockCache, WhatLeavesARunDoesNotFreeTheRest) {
  if (!caches()) GTEST_SKIP() << "off under sanitizers";
  constexpr int64_t kInner = 8 << 20, kResult = 3 << 20;
  std::byte* result = nullptr;
  {
    const ScopedBlockCache scope;
    result = take_block(kResult);
    give_block(take_block(kInner), kInner);
  }
  give_block(result, kResult);  // the caller is done with it, outside of a run
  {
    const ScopedBlockCache scope;
    result = take_block(kResult);
    EXPECT_GE(cached_block_bytes(), kInner);
  }
  give_block(result, kResult);
}

TEST(BlockCache, OutsideOfRunsNothingIsKept) {
  const int64_t before = cached_block_bytes();
  give_block(take_block(12345), 12345);
  EXPECT_EQ(cached_block_bytes(), before);
}

TEST(BlockCache, BlocksMayDieOnAnotherThread) {
  std::byte* block = nullptr;
  std::thread([&] {
    const ScopedBlockCache scope;
    give_block(take_block(500), 500);
    block = take_block(500);
  }).join();
  std::memset(block, 1, 500);
  give_block(block, 500);
}

}  // namespace
}  // namespace calque
