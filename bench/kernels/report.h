// Times one product repeatedly and reports the fastest run: on a shared machine the minimum is what can be
// compared.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "peak.h"

namespace calque::bench {

/// Counters: `GFLOP/s` and `of_peak` of the fastest iteration, `best_us` its time.
template <class F>
void run_timed(benchmark::State& state, double flops, int threads, F&& once,
               Arithmetic arithmetic = Arithmetic::kF32) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  for (auto _ : state) {
    const auto start = Clock::now();
    once();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
  }
  state.counters["best_us"] = best * 1e6;
  state.counters["GFLOP/s"] = flops / best * 1e-9;
  state.counters["of_peak"] = flops / best * 1e-9 / peak_gflops(threads, arithmetic);
}

}  // namespace calque::bench
