// Products of a BERT-base layer. Arguments: m, n, k, threads; of the batched ones: products, m, n, k,
// threads.
#include <benchmark/benchmark.h>

#include <vector>

#include "calque/threads.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/packed.h"
#include "report.h"

namespace calque::bench {

namespace {

using kernels::GemmArgs;

std::vector<float> some_floats(int64_t n) {
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1013) * 1e-3F - 0.5F;
  return values;
}

struct Product {
  explicit Product(const benchmark::State& state)
      : m(state.range(0)),
        n(state.range(1)),
        k(state.range(2)),
        threads(static_cast<int>(state.range(3))),
        a(some_floats(m * k)),
        b(some_floats(n * k)),
        bias(some_floats(n)),
        c(static_cast<size_t>(m * n)) {
    set_num_threads(threads);
  }
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }

  int64_t m, n, k;
  int threads;
  std::vector<float> a, b, bias, c;
};

void gemm_packed(benchmark::State& state) {
  Product p(state);
  const kernels::PackedB packed = kernels::pack_b(p.k, p.n, p.b.data(), 1, p.k);
  run_timed(state, p.flops(), p.threads, [&] {
    kernels::gemm_packed(
        {.m = p.m, .a = p.a.data(), .a_row = p.k, .c = p.c.data(), .c_row = p.n, .bias = p.bias.data()},
        packed);
  });
}

void gemm_packed_gelu(benchmark::State& state) {
  Product p(state);
  const kernels::PackedB packed = kernels::pack_b(p.k, p.n, p.b.data(), 1, p.k);
  run_timed(state, p.flops(), p.threads, [&] {
    kernels::gemm_packed({.m = p.m,
                          .a = p.a.data(),
                          .a_row = p.k,
                          .c = p.c.data(),
                          .c_row = p.n,
                          .bias = p.bias.data(),
                          .activation = kernels::Activation::kGelu},
                         packed);
  });
}

void gemm_weight_transposed(benchmark::State& state) {
  Product p(state);
  run_timed(state, p.flops(), p.threads, [&] {
    kernels::gemm({.m = p.m,
                   .n = p.n,
                   .k = p.k,
                   .a = p.a.data(),
                   .a_row = p.k,
                   .b = p.b.data(),
                   .b_row = 1,
                   .b_col = p.k,
                   .c = p.c.data(),
                   .c_row = p.n,
                   .bias = p.bias.data()});
  });
}

void gemm_rows(benchmark::State& state) {
  Product p(state);
  run_timed(state, p.flops(), p.threads, [&] {
    kernels::gemm({.m = p.m,
                   .n = p.n,
                   .k = p.k,
                   .a = p.a.data(),
                   .a_row = p.k,
                   .b = p.b.data(),
                   .b_row = p.n,
                   .c = p.c.data(),
                   .c_row = p.n});
  });
}

// Scores q k^T and mixed values p v of attention, from [length, heads * head] activations.
void gemm_attention(benchmark::State& state, bool scores) {
  const int64_t heads = state.range(0), length = state.range(1), head = state.range(2);
  const int threads = static_cast<int>(state.range(3));
  set_num_threads(threads);
  const int64_t width = heads * head;
  const std::vector<float> q = some_floats(length * width), k = some_floats(length * width);
  std::vector<float> s(static_cast<size_t>(heads * length * length)),
      out(static_cast<size_t>(length * width));
  const double flops = 2.0 * static_cast<double>(heads * length * length * head);
  run_timed(state, flops, threads, [&] {
    if (scores) {
      kernels::gemm_batched({.m = length,
                             .n = length,
                             .k = head,
                             .a = q.data(),
                             .a_row = width,
                             .b = k.data(),
                             .b_row = 1,
                             .b_col = width,
                             .c = s.data(),
                             .c_row = length,
                             .alpha = 0.125F},
                            {.inner = heads, .a_inner = head, .b_inner = head, .c_inner = length * length});
    } else {
      kernels::gemm_batched({.m = length,
                             .n = head,
                             .k = length,
                             .a = s.data(),
                             .a_row = length,
                             .b = k.data(),
                             .b_row = width,
                             .c = out.data(),
                             .c_row = width},
                            {.inner = heads, .a_inner = length * length, .b_inner = head, .c_inner = head});
    }
  });
}

void gemm_scores(benchmark::State& state) { gemm_attention(state, true); }
void gemm_mixed(benchmark::State& state) { gemm_attention(state, false); }

void bert_shapes(benchmark::internal::Benchmark* bench) {
  for (const int64_t threads : {1, 2}) {
    for (const int64_t m : {128, 8, 1}) {
      bench->Args({m, 768, 768, threads})->Args({m, 3072, 768, threads})->Args({m, 768, 3072, threads});
    }
  }
}

void attention_shapes(benchmark::internal::Benchmark* bench) {
  for (const int64_t threads : {1, 2}) bench->Args({12, 128, 64, threads})->Args({12, 384, 64, threads});
}

}  // namespace

BENCHMARK(gemm_packed)->Apply(bert_shapes)->UseRealTime();
BENCHMARK(gemm_packed_gelu)->Args({128, 3072, 768, 1})->Args({128, 3072, 768, 2})->UseRealTime();
BENCHMARK(gemm_weight_transposed)->Apply(bert_shapes)->UseRealTime();
BENCHMARK(gemm_rows)
    ->Args({128, 768, 768, 1})
    ->Args({1024, 1024, 1024, 1})
    ->Args({1024, 1024, 1024, 2})
    ->UseRealTime();
BENCHMARK(gemm_scores)->Apply(attention_shapes)->UseRealTime();
BENCHMARK(gemm_mixed)->Apply(attention_shapes)->UseRealTime();

}  // namespace calque::bench
