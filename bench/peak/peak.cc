#include "peak.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <vector>

namespace calque::bench {

namespace {

double measure(int threads, Arithmetic arithmetic) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::thread> others;
  std::vector<double> best(static_cast<size_t>(threads), 0);
  const auto work = [&](int self) {
    for (int round = 0; round < 500; ++round) {
      const auto start = Clock::now();
      const double flops = run_chains(arithmetic);
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      best[static_cast<size_t>(self)] = std::max(best[static_cast<size_t>(self)], flops / seconds * 1e-9);
    }
  };
  for (int i = 1; i < threads; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (const double gflops : best) sum += gflops;
  return sum;
}

}  // namespace

double peak_gflops(int threads, Arithmetic arithmetic) {
  static std::map<std::pair<int, Arithmetic>, double> known;
  const auto found = known.find({threads, arithmetic});
  if (found != known.end()) return found->second;
  return known[{threads, arithmetic}] = measure(threads, arithmetic);
}

}  // namespace calque::bench
