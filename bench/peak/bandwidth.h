// How fast the machine reads memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace calque::bench {

/// Memory that is read in equal parts by so many threads, again and again: what fits in the caches comes from
/// there, as it does for the weights of a small model.
class BandwidthProbe {
 public:
  /// Much larger than the caches.
  static constexpr int64_t kLarge = int64_t{256} << 20;

  explicit BandwidthProbe(int threads, int64_t bytes = kLarge);

  /// Reads at least kLarge bytes by each of three loops, which ask ahead in different ways or not at all;
  /// bytes per second of the fastest, in units of 1e9.
  double measure();

 private:
  struct Free {
    void operator()(uint64_t* memory) const;
  };
  using Loop = uint64_t (*)(const uint64_t* words, int64_t count);
  double pass(Loop loop);

  int threads_;
  int64_t part_words_;
  std::unique_ptr<uint64_t, Free> memory_;
};

}  // namespace calque::bench
