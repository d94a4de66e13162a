// What one instruction set provides for layer normalisation.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// One row of n >= 1 elements; the fields are those of LayerNormArgs and RmsNormArgs.
struct NormRow {
  int64_t n;
  const float* x;
  const float* residual;
  const float* weight;
  const float* bias;
  float eps;
  float* y;
  float* sum;
};

struct LayerNormKernels {
  void (*row)(const NormRow& row);
  /// Without bias.
  void (*rms_row)(const NormRow& row);
};

extern const LayerNormKernels kLayerNormScalar;
extern const LayerNormKernels kLayerNormAvx2;
extern const LayerNormKernels kLayerNormAvx512;
extern const LayerNormKernels kLayerNormNeon;

}  // namespace calque::kernels
