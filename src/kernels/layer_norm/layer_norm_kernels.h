// What one instruction set provides for layer normalisation.
#pragma once

#include <cstdint>

namespace calque::kernels {

struct LayerNormKernels {
  /// One row of n >= 1 elements; y may be x; weight and bias may be nullptr.
  void (*row)(int64_t n, const float* x, const float* weight, const float* bias, float eps, float* y);
};

extern const LayerNormKernels kLayerNormScalar;
extern const LayerNormKernels kLayerNormAvx2;
extern const LayerNormKernels kLayerNormAvx512;

}  // namespace calque::kernels
