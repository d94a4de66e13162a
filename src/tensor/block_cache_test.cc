#include "tensor/block_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "calque/memory.h"

namespace calque {
namespace {

bool caches() {
  const ScopedBlockCache scope;
  std::byte* block = take_block(100);
  give_block(block, 100);
  return cached_block_bytes() > 0;
}

TEST(BlockCache, GivesTheSameBlockAgain) {
  if (!caches()) GTEST_SKIP() << "off under AddressSanitizer";
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
  if (!caches()) GTEST_SKIP() << "off under AddressSanitizer";
  {
    const ScopedBlockCache scope;  // Growing sizes, one at a time: the sum of all would be far more.
    for (int64_t bytes = 1 << 20; bytes < (64 << 20); bytes += 1 << 20) give_block(take_block(bytes), bytes);
    EXPECT_LE(cached_block_bytes(), 100 << 20);
  }
}

void run_once(int64_t bytes) {
  const ScopedBlockCache scope;
  give_block(take_block(bytes), bytes);
}

TEST(BlockCache, ForgetsALargeRunAfterManySmallOnes) {
  if (!caches()) GTEST_SKIP() << "off under AddressSanitizer";
  run_once(64 << 20);
  for (int i = 0; i < kRemembered - 1; ++i) run_once(1000);
  EXPECT_GE(cached_block_bytes(), 64 << 20) << "a run like the large one may come again";
  run_once(1000);
  EXPECT_LE(cached_block_bytes(), 1 << 20);
}

TEST(BlockCache, KeepsWhatComesAgain) {
  if (!caches()) GTEST_SKIP() << "off under AddressSanitizer";
  for (int i = 0; i < 100; ++i) {
    run_once(1000);
    if (i % (kRemembered - 1) == 0) run_once(32 << 20);
    EXPECT_GE(cached_block_bytes(), 32 << 20);
  }
}

TEST(BlockCache, ReleasedMemoryIsGoneInEveryThread) {
  if (!caches()) GTEST_SKIP() << "off under AddressSanitizer";
  std::promise<void> kept, released;
  int64_t before = 0, after = 0;
  std::thread other([&] {
    run_once(16 << 20);
    before = cached_block_bytes();
    kept.set_value();
    released.get_future().wait();
    after = cached_block_bytes();
  });
  kept.get_future().wait();
  run_once(16 << 20);
  release_memory();
  EXPECT_EQ(cached_block_bytes(), 0);
  released.set_value();
  other.join();
  EXPECT_GE(before, 16 << 20);
  EXPECT_EQ(after, 0);
}

TEST(BlockCache, ARunUnderWayReleasesWhenItEnds) {
  if (!caches()) GTEST_SKIP() << "off under AddressSanitizer";
  {
    const ScopedBlockCache scope;
    std::byte* const held = take_block(4 << 20);
    give_block(take_block(16 << 20), 16 << 20);
    std::thread(release_memory).join();
    EXPECT_GE(cached_block_bytes(), 16 << 20);
    std::memset(held, 1, 4 << 20);
    give_block(held, 4 << 20);
  }
  EXPECT_EQ(cached_block_bytes(), 0);
}

TEST(BlockCache, ReleaseMayComeAtAnyTime) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&stop, t] {
      for (int64_t i = 0; !stop.load(); ++i) {
        const ScopedBlockCache scope;
        const int64_t bytes = 1000 + 5000 * ((i + t) % 17);
        std::byte* const block = take_block(bytes);
        std::memset(block, t, static_cast<size_t>(bytes));
        EXPECT_EQ(static_cast<int>(block[bytes - 1]), t);
        give_block(block, bytes);
      }
    });
  }
  for (int i = 0; i < 300; ++i) release_memory();
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
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

TEST(BlockCache, ResultsComeBackForTheNextRun) {
  if (!caches()) GTEST_SKIP() << "off under sanitizers";
  constexpr int64_t kResult = 3 << 20;
  std::byte* result = nullptr;
  {
    const ScopedBlockCache scope;
    result = take_block(kResult);
  }
  std::byte* const first = result;
  const int64_t before = cached_block_bytes();
  give_block(take_block(2 * kResult), 2 * kResult);
  EXPECT_EQ(cached_block_bytes(), before) << "this was no result";
  give_block(result, kResult);
  EXPECT_EQ(cached_block_bytes(), before + kResult);
  {
    const ScopedBlockCache scope;
    result = take_block(kResult);
    EXPECT_EQ(result, first);
  }
  release_memory();
  const int64_t released = cached_block_bytes();
  give_block(result, kResult);
  EXPECT_EQ(cached_block_bytes(), released) << "released memory is not kept when it comes later";
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
