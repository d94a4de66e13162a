// Products in bfloat16 with a matrix that was packed once, at load; float32 comes in and goes out.
#pragma once

#include <cstdint>
#include <utility>

#include "base/cpu.h"
#include "kernels/aligned_buffer.h"
#include "kernels/gemm/packed.h"

namespace calque::kernels {

/// B[k, n] rounded to bfloat16, in the order in which the kernels of one instruction set read it: half as
/// large as in float32.
class PackedBf16 {
 public:
  PackedBf16() = default;
  PackedBf16(int64_t k, int64_t n, Isa isa, AlignedBuffer<uint32_t> data)
      : k_(k), n_(n), isa_(isa), data_(std::move(data)) {}

  int64_t k() const { return k_; }
  int64_t n() const { return n_; }
  Isa isa() const { return isa_; }
  const uint32_t* data() const { return data_.data(); }
  int64_t bytes() const { return static_cast<int64_t>(data_.size() * sizeof(uint32_t)); }

 private:
  int64_t k_ = 0;
  int64_t n_ = 0;
  Isa isa_ = Isa::kScalar;
  AlignedBuffer<uint32_t> data_;
};

/// Packs B of the given element strides, rounded to nearest even; a Linear's weight W[n, k] is b_row = 1,
/// b_col = k. Throws std::bad_alloc.
PackedBf16 pack_bf16(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col);

/// gemm_packed() with A rounded to bfloat16 (nearest even) and sums in float32; bias, activation and residual
/// are float32, GELU is within 2e-5. alpha must be 1 and beta 0. Numbers below 2^-126, of A, of B and in
/// sums, may count as zero. Each element is summed over k in an order that depends on nothing but k and the
/// instruction set: a row gives the same bits alone and in a batch, and on any number of threads.
void gemm_packed_bf16(const GemmPackedArgs& args, const PackedBf16& b);

}  // namespace calque::kernels
