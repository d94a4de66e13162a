#include "base/large_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace calque {
namespace {

struct Piece {
  std::shared_ptr<void> memory;
  size_t size;
  unsigned char value;
};

/// Takes and gives back pieces of random sizes, each filled with a value of its own, and tells how many bytes
/// were not as they had been left.
size_t take_and_give(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Piece> pieces;
  size_t wrong = 0;
  for (int step = 0; step < 60; ++step) {
    const size_t size =
        std::uniform_int_distribution<size_t>(0, step % 10 == 9 ? 40u << 20 : 3u << 20)(random);
    const auto value = static_cast<unsigned char>(random());
    pieces.push_back({take_large_memory(size), size, value});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pieces.back().memory.get()) % 64, 0U);
    std::memset(pieces.back().memory.get(), value, size);
    if (pieces.size() < 5) continue;
    const size_t out = random() % pieces.size();
    const auto* const bytes = static_cast<const unsigned char*>(pieces[out].memory.get());
    wrong += pieces[out].size -
             static_cast<size_t>(std::count(bytes, bytes + pieces[out].size, pieces[out].value));
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(out));
  }
  return wrong;
}

TEST(LargeMemory, PiecesAreApart) { EXPECT_EQ(take_and_give(1), 0U); }

TEST(LargeMemory, PiecesOfThreadsAreApart) {
  std::vector<size_t> wrong(4);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < wrong.size(); ++i)
    threads.emplace_back([&wrong, i] { wrong[i] = take_and_give(i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<size_t>(wrong.size()));
}

TEST(LargeMemory, TooMuchIsRefused) { EXPECT_THROW(take_large_memory(SIZE_MAX - 4096), std::bad_alloc); }

}  // namespace
}  // namespace calque
