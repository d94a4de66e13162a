#include "kernels/gemm_bf16/packed_bf16.h"

#include <algorithm>
#include <utility>

#include "base/threads.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm_words/driver.h"
#include "kernels/weight_buffer.h"

namespace calque::kernels {

namespace {

constexpr int64_t kPairs = 2;
constexpr int64_t kRun = 256;  // elements of a column that are converted at once

// Column `from`, of k elements `step` apart, into every `width`-th word.
void pack_column(const ConvertKernels& convert, int64_t k, const float* from, int64_t step, uint32_t* words,
                 int64_t width) {
  float run[kRun];
  uint16_t halves[kRun];
  for (int64_t i = 0; i < k; i += kRun) {
    const int64_t count = std::min(kRun, k - i);
    for (int64_t t = 0; t < count; ++t) run[t] = from[(i + t) * step];
    convert.f32_to_bf16(count, run, halves);
    if (count % kPairs != 0) halves[count] = 0;
    for (int64_t t = 0; t < count; t += kPairs) {
      words[(i + t) / kPairs * width] = halves[t] | static_cast<uint32_t>(halves[t + 1]) << 16;
    }
  }
}

}  // namespace

// Panels of nr columns one after another; in a panel, for each pair of k, the pair of each column.
PackedBf16 pack_bf16(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col) {
  const Isa isa = active_isa();
  if (k == 0) return PackedBf16(k, n, isa, {});
  const KernelSet& set = kernel_set(isa);
  const int64_t nr = set.bf16->nr;
  const int64_t words = div_up(k, kPairs);
  AlignedBuffer<uint32_t> data =
      weight_buffer<uint32_t>(static_cast<size_t>(words * round_up(n, set.bf16->width)));
  parallel_for(0, div_up(n, nr), 1, [&](int64_t panel, int64_t) {
    const int64_t first_col = panel * nr;
    const int64_t cols = std::min(nr, n - first_col);
    const int64_t width = round_up(cols, set.bf16->width);
    uint32_t* const to = data.data() + first_col * words;
    for (int64_t j = 0; j < cols; ++j) {
      pack_column(*set.convert, k, b + (first_col + j) * b_col, b_row, to + j, width);
    }
    for (int64_t i = 0; i < words; ++i) std::fill(to + i * width + cols, to + (i + 1) * width, 0U);
  });
  return PackedBf16(k, n, isa, std::move(data));
}

void gemm_packed_bf16(const GemmPackedArgs& args, const PackedBf16& b) {
  const KernelSet& set = kernel_set(b.isa());
  WordProblem problem{};
  problem.set = &set;
  problem.kernels = set.bf16;
  problem.k = b.k();
  problem.n = b.n();
  problem.words = div_up(b.k(), kPairs);
  problem.b_words = problem.words;
  problem.b = b.data();
  problem.gelu = GeluForm::kCoarse;
  run_word_gemm(args, problem);
}

}  // namespace calque::kernels
