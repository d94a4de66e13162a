// oneDNN's products as the second opinion; it takes its threads from OMP_NUM_THREADS.
#include <benchmark/benchmark.h>
#include <dnnl.hpp>

#include <cstdlib>
#include <cstring>
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

// One product whose weights oneDNN has brought into the order it likes. Its A is in low precision already:
// what rounding or quantising it costs is not counted, unlike in low_precision_bench.cc.
void dnnl_packed(benchmark::State& state, dnnl::memory::data_type a_type, dnnl::memory::data_type b_type,
                 dnnl::memory::data_type c_type, Arithmetic arithmetic) {
  using Tag = dnnl::memory::format_tag;
  const int64_t m = state.range(0), k = state.range(1), n = state.range(2);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const dnnl::matmul::primitive_desc product(
      {{{m, k}, a_type, Tag::ab}, {{k, n}, b_type, Tag::any}, {{m, n}, c_type, Tag::ab}}, engine);
  const dnnl::matmul matmul(product);
  dnnl::memory a(product.src_desc(), engine), b(product.weights_desc(), engine),
      c(product.dst_desc(), engine);
  std::memset(a.get_data_handle(), 0, product.src_desc().get_size());
  std::memset(b.get_data_handle(), 0, product.weights_desc().get_size());
  const char* threads = std::getenv("OMP_NUM_THREADS");
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  run_timed(
      state, flops, threads != nullptr ? std::atoi(threads) : 1,
      [&] {
        matmul.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
        stream.wait();
      },
      arithmetic);
}

void dnnl_f32(benchmark::State& state) {
  using Type = dnnl::memory::data_type;
  dnnl_packed(state, Type::f32, Type::f32, Type::f32, Arithmetic::kF32);
}

void dnnl_bf16(benchmark::State& state) {
  using Type = dnnl::memory::data_type;
  dnnl_packed(state, Type::bf16, Type::bf16, Type::f32, Arithmetic::kBf16);
}

void dnnl_int8(benchmark::State& state) {
  using Type = dnnl::memory::data_type;
  dnnl_packed(state, Type::u8, Type::s8, Type::s32, Arithmetic::kInt8);
}

// Arguments as in low_precision_bench.cc, without threads.
void layers(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "k", "n"})->UseRealTime();
  for (const int64_t m : {8, 128}) {
    for (const int64_t width : {768, 384}) {
      bench->Args({m, width, width})->Args({m, width, 3 * width})->Args({m, width, 4 * width});
      bench->Args({m, 4 * width, width});
    }
  }
}

}  // namespace

BENCHMARK(dnnl_f32)->Apply(layers);
BENCHMARK(dnnl_bf16)->Apply(layers);
BENCHMARK(dnnl_int8)->Apply(layers);
BENCHMARK(dnnl_weight_transposed)
    ->ArgsProduct({{128, 8, 1}, {768}, {768, 3072}})
    ->Args({128, 3072, 768})
    ->Args({8, 3072, 768})
    ->Args({1, 3072, 768})
    ->UseRealTime();

}  // namespace calque::bench
