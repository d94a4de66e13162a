// Element-wise float32 arithmetic. Contract: kernels/gemm/gemm.h; in place is allowed where stated.
#pragma once

#include <cstdint>

namespace calque::kernels {

enum class Binary { kAdd, kSub, kMul, kDiv };

/// out[r, c] = a[r, c] op b[r, c]. Row strides in elements, any value, 0 broadcasts a row; column strides are
/// 1, or 0 to broadcast one value per row. Columns of out are contiguous. `out` may be exactly `a` or exactly
/// `b`.
struct BinaryArgs {
  int64_t rows = 1;
  int64_t cols = 0;
  const float* a = nullptr;
  int64_t a_row = 0;
  int64_t a_col = 1;
  const float* b = nullptr;
  int64_t b_row = 0;
  int64_t b_col = 1;
  float* out = nullptr;
  int64_t out_row = 0;
};

void binary(Binary op, const BinaryArgs& args);

/// y[i] = f(x[i]) for n contiguous elements; y may be x. Within 3 ulp of the exact value; NaN stays NaN,
/// infinities give the limits, relu keeps NaN. kSilu is x / (1 + e^-x), kQuickGelu x / (1 + e^(-1.702 x)):
/// where e^… is beyond float32, from -52 on, the result may be -0, and for -infinity it is NaN, as PyTorch's.
enum class Unary { kExp, kTanh, kErf, kRelu, kSilu, kQuickGelu };

void unary(Unary op, int64_t n, const float* x, float* y);

}  // namespace calque::kernels
