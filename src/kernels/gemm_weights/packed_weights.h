// Products with a matrix whose elements alone are in 8 or 4 bits, packed once, at load: less to read, which
// is the time that few rows take, and as fast as float32 for many. A, sums and results are float32.
#pragma once

#include <cstdint>
#include <utility>

#include "base/cpu.h"
#include "kernels/aligned_buffer.h"
#include "kernels/gemm/packed.h"
#include "kernels/gemm_int8/packed_int8.h"

namespace calque::kernels {

/// Weights in the order in which the kernels of one instruction set read them.
class PackedWeights {
 public:
  PackedWeights() = default;
  PackedWeights(int64_t k, int64_t n, Isa isa, AlignedBuffer<uint32_t> words, AlignedBuffer<float> scales)
      : k_(k), n_(n), isa_(isa), words_(std::move(words)), scales_(std::move(scales)) {}

  int64_t k() const { return k_; }
  int64_t n() const { return n_; }
  Isa isa() const { return isa_; }
  const uint32_t* data() const { return words_.data(); }
  const float* scales() const { return scales_.data(); }
  int64_t bytes() const {
    return static_cast<int64_t>(words_.size() * sizeof(uint32_t) + scales_.size() * sizeof(float));
  }

 private:
  int64_t k_ = 0;
  int64_t n_ = 0;
  Isa isa_ = Isa::kScalar;
  AlignedBuffer<uint32_t> words_;
  AlignedBuffer<float> scales_;
};

/// 8 bits: column j is scale[j] * q[:, j], as of FloatWeights (packed_int8.h).
class PackedWeightsInt8 : public PackedWeights {
 public:
  using PackedWeights::PackedWeights;
};

/// 4 bits: each 32 rows of a column are least + scale * q with q in 0..15 and both numbers in bfloat16, which
/// makes 5 bits an element. They are fitted to the least sum of squared differences.
class PackedWeightsInt4 : public PackedWeights {
 public:
  using PackedWeights::PackedWeights;
};

/// Pack B of the given element strides; a Linear's weight W[n, k] is b_row = 1, b_col = k. A column (of 4
/// bits, a group of it) that is not all finite gives NaN. Throw std::bad_alloc.
PackedWeightsInt8 pack_weights_int8(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col);
PackedWeightsInt4 pack_weights_int4(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col);

/// 4 bits that were fitted before.
struct Int4Weights {
  int64_t k = 0;  ///< a multiple of kInt4Group
  int64_t n = 0;
  const uint8_t* digits = nullptr;  ///< [n, k / 2]: the first of two in the lower half
  const uint16_t* scale = nullptr;  ///< [n, k / kInt4Group] bfloat16
  const uint16_t* least = nullptr;  ///< the same
};

/// Pack what is quantised already. Int8Weights has no factors here.
PackedWeightsInt8 pack_weights_int8(const Int8Weights& weights);
PackedWeightsInt4 pack_weights_int4(const Int4Weights& weights);

/// gemm_packed() with the weights as above; alpha must be 1 and beta 0. Each element is summed over k in
/// order, whatever m and the number of threads are.
void gemm_weights_int8(const GemmPackedArgs& args, const PackedWeightsInt8& b);
void gemm_weights_int4(const GemmPackedArgs& args, const PackedWeightsInt4& b);

}  // namespace calque::kernels
