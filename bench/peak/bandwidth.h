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

  /// Reads at least kLarge bytes; bytes per second, in units of 1e9. Once without and once with prefetching,
  /// of which the faster counts.
  double measure();

 private:
  struct Free {
    void operator()(uint64_t* memory) const;
  };
  double pass(int64_t ahead);

  int threads_;
  int64_t part_words_;
  std::unique_ptr<uint64_t, Free> memory_;
};

}  // namespace calque::bench
