// Attention over q, k and v side by side in one buffer, as after their common product. Arguments: batch,
// length, heads, head size, threads.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "calque/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"
#include "kernels/softmax/softmax.h"
#include "report.h"

namespace calque::bench {

namespace {

struct Shape {
  explicit Shape(const benchmark::State& state)
      : batch(state.range(0)),
        length(state.range(1)),
        heads(state.range(2)),
        head(state.range(3)),
        threads(static_cast<int>(state.range(4))) {
    set_num_threads(threads);
    qkv.resize(static_cast<size_t>(batch * length * 3 * width()));
    for (size_t i = 0; i < qkv.size(); ++i) qkv[i] = static_cast<float>(i * 7919 % 1013) * 2e-3F - 1.0F;
    out.resize(static_cast<size_t>(batch * length * width()));
    for (int64_t s = 0; s <= batch; ++s) offsets.push_back(s * length);
  }
  int64_t width() const { return heads * head; }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(head)); }
  double flops() const { return 4.0 * static_cast<double>(batch * heads * length * length * head); }

  int64_t batch, length, heads, head;
  int threads;
  std::vector<float> qkv, out;
  std::vector<int64_t> offsets;
};

void run_fused(Shape& s, void (*attention)(const kernels::AttentionArgs&) = kernels::attention) {
  attention({.sequences = s.batch,
             .heads = s.heads,
             .head_size = s.head,
             .value_size = s.head,
             .q_offsets = s.offsets.data(),
             .k_offsets = s.offsets.data(),
             .q = s.qkv.data(),
             .q_row = 3 * s.width(),
             .q_head = s.head,
             .k = s.qkv.data() + s.width(),
             .k_row = 3 * s.width(),
             .k_head = s.head,
             .v = s.qkv.data() + 2 * s.width(),
             .v_row = 3 * s.width(),
             .v_head = s.head,
             .out = s.out.data(),
             .out_row = s.width(),
             .out_head = s.head,
             .scale = s.scale()});
}

// Two batched products with the scores in memory between them.
void run_in_steps(Shape& s, std::vector<float>& scores) {
  const int64_t row = 3 * s.width(), square = s.length * s.length;
  scores.resize(static_cast<size_t>(s.batch * s.heads * square));
  const kernels::GemmBatch batch{.outer = s.batch, .inner = s.heads};
  kernels::GemmBatch first = batch;
  first.a_outer = first.b_outer = s.length * row;
  first.a_inner = first.b_inner = s.head;
  first.c_outer = s.heads * square;
  first.c_inner = square;
  kernels::gemm_batched({.m = s.length,
                         .n = s.length,
                         .k = s.head,
                         .a = s.qkv.data(),
                         .a_row = row,
                         .b = s.qkv.data() + s.width(),
                         .b_row = 1,
                         .b_col = row,
                         .c = scores.data(),
                         .c_row = s.length,
                         .alpha = s.scale()},
                        first);
  kernels::softmax_rows({.rows = s.batch * s.heads * s.length,
                         .cols = s.length,
                         .x = scores.data(),
                         .x_row = s.length,
                         .y = scores.data(),
                         .y_row = s.length});
  kernels::GemmBatch second = batch;
  second.a_outer = s.heads * square;
  second.a_inner = square;
  second.b_outer = s.length * row;
  second.b_inner = s.head;
  second.c_outer = s.length * s.width();
  second.c_inner = s.head;
  kernels::gemm_batched({.m = s.length,
                         .n = s.head,
                         .k = s.length,
                         .a = scores.data(),
                         .a_row = s.length,
                         .b = s.qkv.data() + 2 * s.width(),
                         .b_row = row,
                         .c = s.out.data(),
                         .c_row = s.width()},
                        second);
}

template <class F>
double seconds_of(F&& once) {
  const auto start = std::chrono::steady_clock::now();
  once();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Both ways in turn; counters of the fastest run of each.
void attention(benchmark::State& state) {
  Shape s(state);
  std::vector<float> scores;
  double fused = 1e30, steps = 1e30;
  for (auto _ : state) {
    fused = std::min(fused, seconds_of([&] { run_fused(s); }));
    steps = std::min(steps, seconds_of([&] { run_in_steps(s, scores); }));
  }
  state.counters["best_us"] = fused * 1e6;
  state.counters["GFLOP/s"] = s.flops() / fused * 1e-9;
  state.counters["of_peak"] = s.flops() / fused * 1e-9 / peak_gflops(s.threads);
  state.counters["steps_us"] = steps * 1e6;
  state.counters["faster"] = steps / fused;
}

// With products in bfloat16, in turn with float32.
void attention_bf16(benchmark::State& state) {
  Shape s(state);
  double bf16 = 1e30, f32 = 1e30;
  for (auto _ : state) {
    bf16 = std::min(bf16, seconds_of([&] { run_fused(s, kernels::attention_bf16); }));
    f32 = std::min(f32, seconds_of([&] { run_fused(s); }));
  }
  state.counters["best_us"] = bf16 * 1e6;
  state.counters["GFLOP/s"] = s.flops() / bf16 * 1e-9;
  state.counters["of_peak"] = s.flops() / bf16 * 1e-9 / peak_gflops(s.threads, Arithmetic::kBf16);
  state.counters["f32_us"] = f32 * 1e6;
  state.counters["faster"] = f32 / bf16;
}

// For profiles.
void attention_alone(benchmark::State& state) {
  Shape s(state);
  run_timed(state, s.flops(), s.threads, [&] { run_fused(s); });
}

// One query against a cache of keys and values, each [heads, length, size], as in a decoder's step: bytes of
// both per second.
void attention_step(benchmark::State& state) {
  Shape s(state);
  std::vector<int64_t> queries;
  for (int64_t i = 0; i <= s.batch; ++i) queries.push_back(i);
  double best = 1e30;
  for (auto _ : state) {
    best = std::min(best, seconds_of([&] {
                      kernels::attention({.sequences = s.batch,
                                          .heads = s.heads,
                                          .head_size = s.head,
                                          .value_size = s.head,
                                          .q_offsets = queries.data(),
                                          .k_offsets = s.offsets.data(),
                                          .q = s.qkv.data(),
                                          .q_row = 3 * s.width(),
                                          .q_head = s.head,
                                          .k = s.qkv.data(),
                                          .k_row = s.head,
                                          .k_head = s.length * s.head,
                                          .v = s.qkv.data() + s.length * s.width(),
                                          .v_row = s.head,
                                          .v_head = s.length * s.head,
                                          .out = s.out.data(),
                                          .out_row = s.width(),
                                          .out_head = s.head,
                                          .scale = s.scale()});
                    }));
  }
  state.counters["best_us"] = best * 1e6;
  state.counters["GB/s"] = 8e-9 * static_cast<double>(s.batch * s.length * s.width()) / best;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"batch", "len", "heads", "size", "threads"})->UseRealTime()->MinTime(0.2);
  for (const int64_t threads : {1, 2}) {
    for (const int64_t size : {32, 64}) {
      for (const int64_t length : {8, 16, 32, 64, 128, 256, 512, 2048}) {
        bench->Args({length < 128 ? 8 : 1, length, 12, size, threads});
      }
    }
  }
}

void step_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"batch", "len", "heads", "size", "threads"})->UseRealTime()->MinTime(0.2);
  for (const int64_t threads : {1, 2}) {
    for (const int64_t length : {16, 128, 1024, 16384}) bench->Args({1, length, 12, 64, threads});
  }
}

}  // namespace

BENCHMARK(attention)->Apply(shapes);
BENCHMARK(attention_bf16)->Apply(shapes);
BENCHMARK(attention_alone)->Apply(shapes);
BENCHMARK(attention_step)->Apply(step_shapes);

}  // namespace calque::bench
