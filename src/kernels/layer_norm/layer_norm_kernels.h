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

/// Normalises x[0, n), which is what the row is after its residual was added, in double precision: for rows
/// whose squares float32 cannot hold, and on processors without vectors.
void layer_norm_in_double(const NormRow& row, const float* x);

extern const LayerNormKernels kLayerNormScalar;
extern const LayerNormKernels kLayerNormAvx2;
extern const LayerNormKernels kLayerNormAvx512;
extern const LayerNormKernels kLayerNormNeon;

}  // namespace calque::kernels
