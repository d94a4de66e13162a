// oneDNN's product as the second opinion; it takes its threads from OMP_NUM_THREADS.
#include <benchmark/benchmark.h>
#include <dnnl.h>

#include <cstdlib>
#include <vector>

#include "report.h"

namespace calque::bench {

namespace {

void dnnl_weight_transposed(benchmark::State& state) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const char* threads = std::getenv("OMP_NUM_THREADS");
  const std::vector<float> a(static_cast<size_t>(m * k), 0.5F), b(static_cast<size_t>(n * k), 0.25F);
  std::vector<float> c(static_cast<size_t>(m * n));
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  run_timed(state, flops, threads != nullptr ? std::atoi(threads) : 1,
            [&] { dnnl_sgemm('N', 'T', m, n, k, 1.0F, a.data(), k, b.data(), k, 0.0F, c.data(), n); });
}

}  // namespace

BENCHMARK(dnnl_weight_transposed)
    ->ArgsProduct({{128, 8, 1}, {768}, {768, 3072}})
    ->Args({128, 3072, 768})
    ->Args({8, 3072, 768})
    ->Args({1, 3072, 768})
    ->UseRealTime();

}  // namespace calque::bench
