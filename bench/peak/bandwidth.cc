#include "bandwidth.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

namespace calque::bench {

namespace {

constexpr int64_t kLineWords = 8;
constexpr int64_t kLines = 4;
constexpr int64_t kPageWords = 512;
constexpr int64_t kPage = int64_t{2} << 20;

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// What each loop asks for before it reads: the fastest differs between processors.
struct NothingAhead {
  static void ask(const uint64_t* /*at*/) {}
};
struct LinesAhead {
  static void ask(const uint64_t* at) {
    for (int64_t line = 0; line < kLines; ++line) __builtin_prefetch(at + 256 + line * kLineWords);
  }
};
struct PagesAhead {
  static void ask(const uint64_t* at) {
    if (reinterpret_cast<uintptr_t>(at) % (kPageWords * sizeof(uint64_t)) != 0) return;
    for (int64_t line = 0; line < 8; ++line)
      __builtin_prefetch(at + 16 * kPageWords + line * kLineWords, 0, 2);
  }
};

template <class Ahead>
uint64_t read(const uint64_t* words, int64_t count) {
  using Line [[gnu::vector_size(64)]] = uint64_t;
  Line sums[kLines] = {};
  for (int64_t i = 0; i < count; i += kLines * kLineWords) {
    Ahead::ask(words + i);
    for (int64_t line = 0; line < kLines; ++line)
      sums[line] += *reinterpret_cast<const Line*>(words + i + line * kLineWords);
  }
  uint64_t total = 0;
  for (const Line& sum : sums) {
    for (int i = 0; i < 8; ++i) total += sum[i];
  }
  return total;
}

}  // namespace

void BandwidthProbe::Free::operator()(uint64_t* memory) const { std::free(memory); }

BandwidthProbe::BandwidthProbe(int threads, int64_t bytes)
    : threads_(threads),
      part_words_(round_up(bytes / 8 / threads, kLines * kLineWords)),
      memory_(static_cast<uint64_t*>(
          std::aligned_alloc(kPage, static_cast<size_t>(round_up(part_words_ * 8 * threads, kPage))))) {
  if (memory_ == nullptr) throw std::bad_alloc();
  madvise(memory_.get(), static_cast<size_t>(part_words_ * 8 * threads), MADV_HUGEPAGE);
  std::fill_n(memory_.get(), part_words_ * threads, uint64_t{1});
}

double BandwidthProbe::measure() {
  return std::max({pass(read<NothingAhead>), pass(read<LinesAhead>), pass(read<PagesAhead>)});
}

double BandwidthProbe::pass(Loop loop) {
  using Clock = std::chrono::steady_clock;
  const int64_t times = std::max<int64_t>(1, kLarge / (part_words_ * 8 * threads_));
  std::vector<uint64_t> sums(static_cast<size_t>(threads_));
  std::vector<std::thread> others;
  const auto work = [&](int self) {
    uint64_t& sum = sums[static_cast<size_t>(self)];
    for (int64_t i = 0; i < times; ++i) sum += loop(memory_.get() + self * part_words_, part_words_);
  };
  const auto start = Clock::now();
  for (int i = 1; i < threads_; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const volatile uint64_t sink = sums[0];
  (void)sink;
  return static_cast<double>(times * part_words_ * threads_ * 8) / seconds * 1e-9;
}

}  // namespace calque::bench
