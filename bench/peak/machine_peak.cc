// machine_peak THREADS [BYTES…]: prints what so many threads reach at most, as one JSON object: the peak at
// each precision in GFLOP/s, and how fast they read so many bytes over and over, in GB/s.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "bandwidth.h"
#include "peak.h"

namespace {

constexpr long long kLeastBytes = 1 << 10;
constexpr long long kMostBytes = 1LL << 33;

double fastest_read(int threads, long long bytes) {
  calque::bench::BandwidthProbe probe(threads, bytes);
  double fastest = 0;
  for (int i = 0; i < 3; ++i) fastest = std::max(fastest, probe.measure());
  return fastest;
}

}  // namespace

int main(int argc, char** argv) {
  using calque::bench::Arithmetic;
  const int threads = argc >= 2 ? std::atoi(argv[1]) : 0;
  bool understood = threads >= 1 && threads <= 1024;
  for (int i = 2; i < argc; ++i) {
    const long long bytes = std::atoll(argv[i]);
    understood = understood && bytes >= kLeastBytes && bytes <= kMostBytes;
  }
  if (!understood) {
    std::fputs("usage: machine_peak THREADS [BYTES...] (1 to 1024 threads; 1 KiB to 8 GiB)\n", stderr);
    return 2;
  }
  std::printf("{\"threads\": %d, \"f32\": %.1f, \"bf16\": %.1f, \"int8\": %.1f, \"read\": [", threads,
              calque::bench::peak_gflops(threads, Arithmetic::kF32),
              calque::bench::peak_gflops(threads, Arithmetic::kBf16),
              calque::bench::peak_gflops(threads, Arithmetic::kInt8));
  for (int i = 2; i < argc; ++i)
    std::printf("%s%.1f", i == 2 ? "" : ", ", fastest_read(threads, std::atoll(argv[i])));
  std::puts("]}");
  return 0;
}
