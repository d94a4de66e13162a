#include "kernels/gemm_weights/packed_weights.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/threads.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm_int8/quantize_column.h"
#include "kernels/gemm_weights/float_rows.h"
#include "kernels/gemm_weights/int4_fit.h"
#include "kernels/gemm_words/driver.h"
#include "kernels/weight_buffer.h"

namespace calque::kernels {

namespace {

constexpr int64_t kBytes = 4;   // in a word
constexpr int64_t kDigits = 8;  // in a word

void run_weights(const GemmPackedArgs& args, const PackedWeights& b, const KernelSet& set,
                 const WordKernels& kernels, int64_t words, int64_t b_words) {
  WordProblem problem{};
  problem.set = &set;
  problem.kernels = &kernels;
  problem.k = b.k();
  problem.n = b.n();
  problem.words = words;
  problem.b_words = b_words;
  problem.b = b.data();
  problem.col_scales = b.scales();
  run_word_gemm(args, problem);
}

// One group of one column, into every `width`-th word.
void pack_group(const Int4Fit& fit, uint32_t* words, int64_t width) {
  words[0] = fit.header;
  for (int64_t i = 0; i < kInt4Group; i += kDigits) {
    uint32_t word = 0;
    for (int64_t t = 0; t < kDigits; ++t) word |= uint32_t{fit.digits[i + t]} << (4 * t);
    words[(1 + i / kDigits) * width] = word;
  }
}

// Calls panel(first_col, cols, width) for all panels, in parallel.
template <class F>
void for_panels(const WordKernels& kernels, int64_t n, F&& panel) {
  parallel_for(0, div_up(n, kernels.nr), 1, [&](int64_t index, int64_t) {
    const int64_t first_col = index * kernels.nr;
    const int64_t cols = std::min<int64_t>(kernels.nr, n - first_col);
    panel(first_col, cols, round_up(cols, kernels.width));
  });
}

// Panels of nr columns one after another; in a panel, for each row of B, the byte of each column.
// quantize(j, q) writes the integers of column j and gives its scale.
template <class F>
PackedWeightsInt8 pack_bytes(int64_t k, int64_t n, F&& quantize) {
  const Isa isa = active_isa();
  const WordKernels& kernels = *kernel_set(isa).weights_int8;
  const int64_t col_words = div_up(k, kBytes);
  AlignedBuffer<uint32_t> data =
      weight_buffer<uint32_t>(static_cast<size_t>(col_words * round_up(n, kernels.width)));
  std::fill_n(data.data(), data.size(), 0U);
  AlignedBuffer<float> scales(static_cast<size_t>(n));
  for_panels(kernels, n, [&](int64_t first_col, int64_t cols, int64_t width) {
    AlignedBuffer<int8_t> column(static_cast<size_t>(k));
    uint32_t* const to = data.data() + first_col * col_words;
    for (int64_t j = 0; j < cols; ++j) {
      scales.data()[first_col + j] = quantize(first_col + j, column.data());
      for (int64_t i = 0; i < k; ++i) {
        const int64_t at = i * width + j;
        to[at / kBytes] |= static_cast<uint32_t>(static_cast<uint8_t>(column.data()[i])) << (at % kBytes * 8);
      }
    }
  });
  return PackedWeightsInt8(k, n, isa, std::move(data), std::move(scales));
}

// Panels of nr columns one after another, each as Int4Loop says. fit(j, i) gives the group of column j from
// row i.
template <class F>
PackedWeightsInt4 pack_groups(int64_t k, int64_t n, F&& fit) {
  const Isa isa = active_isa();
  if (k == 0) return PackedWeightsInt4(k, n, isa, {}, {});
  const WordKernels& kernels = *kernel_set(isa).weights_int4;
  const int64_t col_words = div_up(k, kInt4Group) * kInt4GroupWords;
  AlignedBuffer<uint32_t> data =
      weight_buffer<uint32_t>(static_cast<size_t>(col_words * round_up(n, kernels.width)));
  std::fill_n(data.data(), data.size(), 0U);
  for_panels(kernels, n, [&](int64_t first_col, int64_t cols, int64_t width) {
    for (int64_t j = 0; j < cols; ++j) {
      uint32_t* to = data.data() + first_col * col_words + j;
      for (int64_t i = 0; i < k; i += kInt4Group) {
        pack_group(fit(first_col + j, i), to, width);
        to += kInt4GroupWords * width;
      }
    }
  });
  return PackedWeightsInt4(k, n, isa, std::move(data), {});
}

// The group of column j that begins at row i.
Int4Fit group_of(const Int4Weights& weights, int64_t j, int64_t i) {
  const int64_t group = j * (weights.k / kInt4Group) + i / kInt4Group;
  const uint8_t* const digits = weights.digits + (j * weights.k + i) / 2;
  Int4Fit fit{};
  fit.header = uint32_t{weights.scale[group]} | uint32_t{weights.least[group]} << 16;
  for (int64_t t = 0; t < kInt4Group; ++t)
    fit.digits[t] = static_cast<uint8_t>(t % 2 == 0 ? digits[t / 2] & 15 : digits[t / 2] >> 4);
  return fit;
}

}  // namespace

PackedWeightsInt8 pack_weights_int8(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col) {
  return pack_bytes(
      k, n, [&](int64_t j, int8_t* q) { return quantize_column({k, b + j * b_col, b_row, nullptr}, q); });
}

PackedWeightsInt8 pack_weights_int8(const Int8Weights& weights) {
  check(weights.factors == nullptr, "pack_weights_int8: A is not quantised, so it takes no factors");
  return pack_bytes(weights.k, weights.n, [&](int64_t j, int8_t* q) {
    for (int64_t i = 0; i < weights.k; ++i) q[i] = weights.b[i * weights.b_row + j * weights.b_col];
    return weights.scales[j];
  });
}

PackedWeightsInt4 pack_weights_int4(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col) {
  return pack_groups(k, n, [&](int64_t j, int64_t i) {
    return fit_int4(std::min(kInt4Group, k - i), b + i * b_row + j * b_col, b_row);
  });
}

PackedWeightsInt4 pack_weights_int4(const Int4Weights& weights) {
  check(weights.k % kInt4Group == 0, "pack_weights_int4: k is no multiple of the group");
  return pack_groups(weights.k, weights.n, [&](int64_t j, int64_t i) { return group_of(weights, j, i); });
}

void gemm_weights_int8(const GemmPackedArgs& args, const PackedWeightsInt8& b) {
  const KernelSet& set = kernel_set(b.isa());
  run_weights(args, b, set, *set.weights_int8, b.k(), div_up(b.k(), kBytes));
}

void gemm_weights_int4(const GemmPackedArgs& args, const PackedWeightsInt4& b) {
  const KernelSet& set = kernel_set(b.isa());
  const int64_t groups = div_up(b.k(), kInt4Group);
  run_weights(args, b, set, *set.weights_int4, groups * kInt4Group, groups * kInt4GroupWords);
}

}  // namespace calque::kernels
