// What one instruction set provides for softmax.
#pragma once

#include <cstdint>

namespace calque::kernels {

struct SoftmaxKernels {
  /// One row of n >= 1 elements; y may be x.
  void (*row)(int64_t n, const float* x, float* y);
};

extern const SoftmaxKernels kSoftmaxScalar;
extern const SoftmaxKernels kSoftmaxAvx2;
extern const SoftmaxKernels kSoftmaxAvx512;
extern const SoftmaxKernels kSoftmaxNeon;

}  // namespace calque::kernels
