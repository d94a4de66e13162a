// What one instruction set provides for element-wise arithmetic.
#pragma once

#include <cstdint>

namespace calque::kernels {

inline constexpr int kBinaryCount = 4;
inline constexpr int kUnaryCount = 6;

struct PointwiseKernels {
  /// In the order of Binary: out[i] = a[i * a_col] op b[i * b_col] for i < n; column strides 0 or 1.
  using BinaryRow = void (*)(int64_t n, const float* a, int64_t a_col, const float* b, int64_t b_col,
                             float* out);
  BinaryRow binary[kBinaryCount];
  /// In the order of Unary.
  using UnaryRow = void (*)(int64_t n, const float* x, float* y);
  UnaryRow unary[kUnaryCount];
};

extern const PointwiseKernels kPointwiseScalar;
extern const PointwiseKernels kPointwiseAvx2;
extern const PointwiseKernels kPointwiseAvx512;
extern const PointwiseKernels kPointwiseNeon;

}  // namespace calque::kernels
