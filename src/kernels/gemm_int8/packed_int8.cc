#include "kernels/gemm_int8/packed_int8.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/threads.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_int8/quantize_column.h"
#include "kernels/gemm_words/driver.h"
#include "kernels/weight_buffer.h"

namespace calque::kernels {

namespace {

constexpr int64_t kQuads = 4;

/// Gives the scale of column j and writes its integers.
class FloatColumns {
 public:
  explicit FloatColumns(const FloatWeights& weights) : weights_(weights) {}

  float quantize(int64_t j, int8_t* q) const {
    return quantize_column({weights_.k, weights_.b + j * weights_.b_col, weights_.b_row, weights_.factors},
                           q);
  }

 private:
  const FloatWeights& weights_;
};

class Int8Columns {
 public:
  explicit Int8Columns(const Int8Weights& weights) : weights_(weights) {}

  float quantize(int64_t j, int8_t* q) const {
    for (int64_t i = 0; i < weights_.k; ++i) q[i] = weights_.b[i * weights_.b_row + j * weights_.b_col];
    return weights_.scales[j];
  }

 private:
  const Int8Weights& weights_;
};

// One panel: for each quad of k, the quad of each column.
template <class Columns>
void pack_panel(const Columns& columns, int64_t k, int64_t first_col, int64_t cols, int64_t width,
                PackedInt8::Data& data) {
  const int64_t words = div_up(k, kQuads);
  uint32_t* const to = data.words.data() + first_col * words;
  AlignedBuffer<int8_t> column(static_cast<size_t>(words * kQuads));
  std::fill_n(to, words * width, 0U);
  for (int64_t j = 0; j < cols; ++j) {
    std::fill_n(column.data(), words * kQuads, int8_t{0});
    data.scales.data()[first_col + j] = columns.quantize(first_col + j, column.data());
    int32_t sum = 0;
    for (int64_t i = 0; i < words * kQuads; ++i) {
      sum += column.data()[i];
      to[i / kQuads * width + j] |= static_cast<uint32_t>(static_cast<uint8_t>(column.data()[i]))
                                    << (i % kQuads * 8);
    }
    data.sums.data()[first_col + j] = sum;
  }
}

// Panels of nr columns one after another.
template <class Columns, class Weights>
PackedInt8 pack(const Columns& columns, const Weights& weights) {
  check(weights.k <= kMaxInt8Depth, "pack_int8_weights: sums over k could leave int32");
  const Isa isa = active_isa();
  const WordKernels& kernels = *kernel_set(isa).int8;
  const int64_t n = weights.n;
  const auto words = static_cast<size_t>(div_up(weights.k, kQuads) * round_up(n, kernels.width));
  PackedInt8::Data data{.words = weight_buffer<uint32_t>(words),
                        .scales = AlignedBuffer<float>(static_cast<size_t>(n)),
                        .sums = AlignedBuffer<int32_t>(static_cast<size_t>(n)),
                        .factors = {}};
  if (weights.factors != nullptr) {
    data.factors = AlignedBuffer<float>(static_cast<size_t>(weights.k));
    std::copy_n(weights.factors, weights.k, data.factors.data());
  }
  parallel_for(0, div_up(n, kernels.nr), 1, [&](int64_t panel, int64_t) {
    const int64_t first_col = panel * kernels.nr;
    const int64_t cols = std::min<int64_t>(kernels.nr, n - first_col);
    pack_panel(columns, weights.k, first_col, cols, round_up(cols, kernels.width), data);
  });
  return PackedInt8(weights.k, n, isa, std::move(data));
}

}  // namespace

PackedInt8 pack_int8_weights(const FloatWeights& weights) { return pack(FloatColumns(weights), weights); }
PackedInt8 pack_int8_weights(const Int8Weights& weights) { return pack(Int8Columns(weights), weights); }

void gemm_packed_int8(const GemmPackedArgs& args, const PackedInt8& b) {
  const KernelSet& set = kernel_set(b.isa());
  WordProblem problem{};
  problem.set = &set;
  problem.kernels = set.int8;
  problem.k = b.k();
  problem.n = b.n();
  problem.words = div_up(b.k(), kQuads);
  problem.b_words = problem.words;
  problem.b = b.data();
  problem.factors = b.factors();
  problem.col_scales = b.scales();
  problem.col_sums = b.sums();
  problem.gelu = GeluForm::kCoarse;
  run_word_gemm(args, problem);
}

}  // namespace calque::kernels
