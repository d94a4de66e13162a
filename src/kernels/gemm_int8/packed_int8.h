// Products in 8-bit integers with a matrix that was packed once, at load; float32 comes in and goes out.
#pragma once

#include <cstdint>
#include <utility>

#include "base/cpu.h"
#include "kernels/aligned_buffer.h"
#include "kernels/gemm/packed.h"

namespace calque::kernels {

/// B[k, n] in 8 bits, in the order in which the kernels of one instruction set read it: a quarter of float32.
class PackedInt8 {
 public:
  struct Data {
    AlignedBuffer<uint32_t> words;
    AlignedBuffer<float> scales;   ///< one per column
    AlignedBuffer<int32_t> sums;   ///< over k of the integers of each column
    AlignedBuffer<float> factors;  ///< one per row of B, or none
  };

  PackedInt8() = default;
  PackedInt8(int64_t k, int64_t n, Isa isa, Data data) : k_(k), n_(n), isa_(isa), data_(std::move(data)) {}

  int64_t k() const { return k_; }
  int64_t n() const { return n_; }
  Isa isa() const { return isa_; }
  const uint32_t* data() const { return data_.words.data(); }
  const float* scales() const { return data_.scales.data(); }
  const int32_t* sums() const { return data_.sums.data(); }
  /// What A's columns are multiplied by before they are quantised; nullptr when by nothing.
  const float* factors() const { return data_.factors.data(); }
  int64_t bytes() const {
    return static_cast<int64_t>(sizeof(uint32_t) * (data_.words.size() + data_.scales.size() +
                                                    data_.sums.size() + data_.factors.size()));
  }

 private:
  int64_t k_ = 0;
  int64_t n_ = 0;
  Isa isa_ = Isa::kScalar;
  Data data_;
};

/// B given in float32: column j is scale[j] * q[:, j] with q = round(b / scale[j]) in -127..127, halves to
/// even, and scale[j] the greatest magnitude / 127. A column that is not all finite gives NaN. k is at most
/// kMaxInt8Depth (gemm_int8.h).
struct FloatWeights {
  int64_t k = 0;
  int64_t n = 0;
  const float* b = nullptr;
  int64_t b_row = 0;  ///< element strides; a Linear's weight W[n, k] is b_row = 1, b_col = k
  int64_t b_col = 1;
  /// k positive numbers, or nullptr: A's column i is multiplied by factors[i] before it is quantised, and row
  /// i of B divided by it, which leaves the exact product as it is and moves what is hard to quantise from A
  /// to B (SmoothQuant, Xiao et al. 2022).
  const float* factors = nullptr;
};

/// B given as integers; `factors` as above, but B has been divided already.
struct Int8Weights {
  int64_t k = 0;
  int64_t n = 0;
  const int8_t* b = nullptr;
  int64_t b_row = 0;
  int64_t b_col = 1;
  const float* scales = nullptr;  ///< n of them
  const float* factors = nullptr;
};

/// Throws std::bad_alloc.
PackedInt8 pack_int8_weights(const FloatWeights& weights);
PackedInt8 pack_int8_weights(const Int8Weights& weights);
inline PackedInt8 pack_int8_weights(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col) {
  return pack_int8_weights(FloatWeights{.k = k, .n = n, .b = b, .b_row = b_row, .b_col = b_col});
}

/// gemm_packed() with each row of A quantised to 256 steps of its range (row_scale() of word_kernels.h),
/// exact integer sums, and one rounding when the bias is added; bias, activation and residual are float32,
/// GELU is within 2e-5. alpha must be 1 and beta 0. A row of A that is not all finite gives NaN. Every
/// instruction set gives the same bits up to the activation; no row depends on another, nor on the number of
/// threads.
void gemm_packed_int8(const GemmPackedArgs& args, const PackedInt8& b);

}  // namespace calque::kernels
