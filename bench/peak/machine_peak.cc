// machine_peak THREADS: prints the peak of so many threads at each precision, in GFLOP/s, as one JSON object.
#include <cstdio>
#include <cstdlib>

#include "peak.h"

int main(int argc, char** argv) {
  using calque::bench::Arithmetic;
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1 || threads > 1024) {
    std::fputs("usage: machine_peak THREADS (1 to 1024)\n", stderr);
    return 2;
  }
  std::printf("{\"threads\": %d, \"f32\": %.1f, \"bf16\": %.1f, \"int8\": %.1f}\n", threads,
              calque::bench::peak_gflops(threads, Arithmetic::kF32),
              calque::bench::peak_gflops(threads, Arithmetic::kBf16),
              calque::bench::peak_gflops(threads, Arithmetic::kInt8));
  return 0;
}
