// What one instruction set provides for pooling.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// out[c] = sum over rows r, in order, of x[r * stride + c], divided by `divisor`. With `mask` only the rows
/// where it is not 0 count.
struct PoolColumns {
  int64_t rows;
  int64_t cols;
  const float* x;
  int64_t stride;
  const int64_t* mask;
  float divisor;
  float* out;
};

struct PoolingKernels {
  void (*mean)(const PoolColumns& columns);
  /// x = x / max(norm of x, eps).
  void (*normalise)(int64_t n, float eps, float* x);
};

extern const PoolingKernels kPoolingScalar;
extern const PoolingKernels kPoolingAvx2;
extern const PoolingKernels kPoolingAvx512;
extern const PoolingKernels kPoolingNeon;

}  // namespace calque::kernels
