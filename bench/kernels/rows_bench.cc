// Kernels on rows and elements. Arguments: rows, columns; one thread.
#include <benchmark/benchmark.h>

#include <vector>

#include "calque/threads.h"
#include "kernels/gelu/gelu.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/pointwise/pointwise.h"
#include "kernels/softmax/softmax.h"

namespace calque::bench {

namespace {

struct Rows {
  explicit Rows(benchmark::State& bench_state)
      : state(bench_state), rows(state.range(0)), cols(state.range(1)) {
    set_num_threads(1);
    x.resize(static_cast<size_t>(rows * cols));
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1013) * 1e-2F - 5.0F;
    y = x;
    weight.assign(static_cast<size_t>(cols), 0.5F);
  }
  ~Rows() { state.SetItemsProcessed(state.iterations() * rows * cols); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  benchmark::State& state;
  int64_t rows;
  int64_t cols;
  std::vector<float> x, y, weight;
};

void softmax(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state) {
    kernels::softmax_rows(
        {.rows = r.rows, .cols = r.cols, .x = r.x.data(), .x_row = r.cols, .y = r.y.data(), .y_row = r.cols});
  }
}

void layer_norm(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state) {
    kernels::layer_norm_rows({.rows = r.rows,
                              .cols = r.cols,
                              .x = r.x.data(),
                              .x_row = r.cols,
                              .weight = r.weight.data(),
                              .bias = r.weight.data(),
                              .y = r.y.data(),
                              .y_row = r.cols});
  }
}

void gelu(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state) kernels::gelu(r.rows * r.cols, r.x.data(), r.y.data());
}

void gelu_tanh(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state) kernels::gelu_tanh(r.rows * r.cols, r.x.data(), r.y.data());
}

void tanh(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state) kernels::unary(kernels::Unary::kTanh, r.rows * r.cols, r.x.data(), r.y.data());
}

void add_row(benchmark::State& state) {
  Rows r(state);
  for (auto _ : state) {
    kernels::binary(kernels::Binary::kAdd, {.rows = r.rows,
                                            .cols = r.cols,
                                            .a = r.x.data(),
                                            .a_row = r.cols,
                                            .b = r.weight.data(),
                                            .b_row = 0,
                                            .out = r.y.data(),
                                            .out_row = r.cols});
  }
}

}  // namespace

BENCHMARK(softmax)->Args({1536, 128});
BENCHMARK(layer_norm)->Args({128, 768});
BENCHMARK(gelu)->Args({128, 3072});
BENCHMARK(gelu_tanh)->Args({128, 3072});
BENCHMARK(tanh)->Args({128, 3072});
BENCHMARK(add_row)->Args({128, 3072});

}  // namespace calque::bench
