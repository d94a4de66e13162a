// Products with packed weights by precision, over the whole call: packing A, sums, bias, activation.
// Arguments: m, k, n, threads. `of_peak` is the share of what the processor can do in that precision.
#include <benchmark/benchmark.h>

#include <vector>

#include "calque/threads.h"
#include "kernels/gemm/packed.h"
#include "kernels/gemm_bf16/packed_bf16.h"
#include "kernels/gemm_int8/packed_int8.h"
#include "kernels/gemm_weights/packed_weights.h"
#include "report.h"

namespace calque::bench {

namespace {

using kernels::Activation;
using kernels::GemmPackedArgs;

std::vector<float> waves(int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1013) * 1e-3F - 0.5F;
  return values;
}

template <class Pack, class Multiply>
void run_packed(benchmark::State& state, Arithmetic arithmetic, Activation activation, Pack&& pack,
                Multiply&& multiply) {
  const int64_t m = state.range(0), k = state.range(1), n = state.range(2);
  const int threads = static_cast<int>(state.range(3));
  set_num_threads(threads);
  const std::vector<float> a = waves(m * k), w = waves(n * k), bias = waves(n);
  std::vector<float> c(static_cast<size_t>(m * n));
  const auto packed = pack(k, n, w.data());
  const GemmPackedArgs args{.m = m,
                            .a = a.data(),
                            .a_row = k,
                            .c = c.data(),
                            .c_row = n,
                            .bias = bias.data(),
                            .activation = activation};
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  run_timed(state, flops, threads, [&] { multiply(args, packed); }, arithmetic);
}

void packed_f32(benchmark::State& state, Activation activation) {
  run_packed(
      state, Arithmetic::kF32, activation,
      [](int64_t k, int64_t n, const float* w) { return kernels::pack_b(k, n, w, 1, k); },
      [](const GemmPackedArgs& args, const kernels::PackedB& b) { kernels::gemm_packed(args, b); });
}

void packed_bf16(benchmark::State& state, Activation activation) {
  run_packed(
      state, Arithmetic::kBf16, activation,
      [](int64_t k, int64_t n, const float* w) { return kernels::pack_bf16(k, n, w, 1, k); },
      [](const GemmPackedArgs& args, const kernels::PackedBf16& b) { kernels::gemm_packed_bf16(args, b); });
}

void packed_int8(benchmark::State& state, Activation activation) {
  run_packed(
      state, Arithmetic::kInt8, activation,
      [](int64_t k, int64_t n, const float* w) { return kernels::pack_int8_weights(k, n, w, 1, k); },
      [](const GemmPackedArgs& args, const kernels::PackedInt8& b) { kernels::gemm_packed_int8(args, b); });
}

void weights_int8(benchmark::State& state) {
  run_packed(
      state, Arithmetic::kF32, Activation::kNone,
      [](int64_t k, int64_t n, const float* w) { return kernels::pack_weights_int8(k, n, w, 1, k); },
      [](const GemmPackedArgs& args, const kernels::PackedWeightsInt8& b) {
        kernels::gemm_weights_int8(args, b);
      });
}

void weights_int4(benchmark::State& state) {
  run_packed(
      state, Arithmetic::kF32, Activation::kNone,
      [](int64_t k, int64_t n, const float* w) { return kernels::pack_weights_int4(k, n, w, 1, k); },
      [](const GemmPackedArgs& args, const kernels::PackedWeightsInt4& b) {
        kernels::gemm_weights_int4(args, b);
      });
}

void shapes(benchmark::internal::Benchmark* bench, const std::vector<int64_t>& rows) {
  bench->ArgNames({"m", "k", "n", "threads"})->UseRealTime();
  const int64_t layers[][2] = {{768, 768}, {768, 2304}, {768, 3072}, {3072, 768},
                               {384, 384}, {384, 1152}, {384, 1536}, {1536, 384}};
  for (const int64_t threads : {1, 2}) {
    for (const int64_t m : rows) {
      for (const auto& layer : layers) bench->Args({m, layer[0], layer[1], threads});
    }
  }
}

void all_shapes(benchmark::internal::Benchmark* bench) { shapes(bench, {1, 4, 8, 16, 32, 64, 128, 512}); }
void some_shapes(benchmark::internal::Benchmark* bench) { shapes(bench, {128}); }

}  // namespace

BENCHMARK_CAPTURE(packed_f32, bias, Activation::kNone)->Apply(all_shapes);
BENCHMARK_CAPTURE(packed_bf16, bias, Activation::kNone)->Apply(all_shapes);
BENCHMARK_CAPTURE(packed_int8, bias, Activation::kNone)->Apply(all_shapes);
BENCHMARK(weights_int8)->Apply(all_shapes);
BENCHMARK(weights_int4)->Apply(all_shapes);
BENCHMARK_CAPTURE(packed_f32, gelu, Activation::kGelu)->Apply(some_shapes);
BENCHMARK_CAPTURE(packed_bf16, gelu, Activation::kGelu)->Apply(some_shapes);
BENCHMARK_CAPTURE(packed_int8, gelu, Activation::kGelu)->Apply(some_shapes);

}  // namespace calque::bench
