// How fast the machine reads memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace calque::bench {

/// Memory that is much larger than the caches, read in equal parts by so many threads.
class BandwidthProbe {
 public:
  explicit BandwidthProbe(int threads);

  /// Reads all of it once; bytes per second, in units of 1e9. One call without and one with prefetching, of
  /// which the faster counts.
  double measure();

 private:
  struct Free {
    void operator()(uint64_t* memory) const;
  };
  double pass(int64_t ahead);

  int threads_;
  std::unique_ptr<uint64_t, Free> memory_;
};

}  // namespace calque::bench
