// Products with a matrix that was packed once, at load.
#pragma once

#include <cstdint>
#include <utility>

#include "base/cpu.h"
#include "kernels/aligned_buffer.h"

namespace calque::kernels {

/// B[k, n] in the order in which the kernels of one instruction set read it; as large as B, n rounded up to a
/// vector.
class PackedB {
 public:
  PackedB() = default;
  PackedB(int64_t k, int64_t n, Isa isa, AlignedBuffer<float> data)
      : k_(k), n_(n), isa_(isa), data_(std::move(data)) {}

  int64_t k() const { return k_; }
  int64_t n() const { return n_; }
  Isa isa() const { return isa_; }
  const float* data() const { return data_.data(); }
  int64_t bytes() const { return static_cast<int64_t>(data_.size() * sizeof(float)); }

 private:
  int64_t k_ = 0;
  int64_t n_ = 0;
  Isa isa_ = Isa::kScalar;
  AlignedBuffer<float> data_;
};

/// Packs B of the given element strides; a Linear's weight W[n, k] is b_row = 1, b_col = k. Throws
/// std::bad_alloc.
PackedB pack_b(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col);

enum class Activation { kNone, kRelu, kTanh, kGelu, kGeluTanh, kSilu, kQuickGelu };

/// C[m, n] = activation(alpha * A[m, k] B + beta * C + bias) + residual; n and k are those of the packed
/// matrix. `residual` does not overlap C (beta = 1 adds in place); a residual_row of 0 adds one row to all.
/// Otherwise as BasicGemmArgs, and bit for bit the result of gemm() with the same arguments on the same
/// instruction set.
struct GemmPackedArgs {
  int64_t m = 0;
  const float* a = nullptr;
  int64_t a_row = 0;
  int64_t a_col = 1;
  float* c = nullptr;
  int64_t c_row = 0;
  float alpha = 1;
  float beta = 0;
  const float* bias = nullptr;
  Activation activation = Activation::kNone;
  const float* residual = nullptr;
  int64_t residual_row = 0;
};

void gemm_packed(const GemmPackedArgs& args, const PackedB& b);

}  // namespace calque::kernels
