// What one instruction set provides for GELU.
#pragma once

#include <cstdint>

namespace calque::kernels {

struct GeluKernels {
  void (*gelu)(int64_t n, const float* x, float* y);
  void (*gelu_tanh)(int64_t n, const float* x, float* y);
  /// The same within 2e-5.
  void (*coarse_gelu)(int64_t n, const float* x, float* y);
  void (*coarse_gelu_tanh)(int64_t n, const float* x, float* y);
};

extern const GeluKernels kGeluScalar;
extern const GeluKernels kGeluAvx2;
extern const GeluKernels kGeluAvx512;
extern const GeluKernels kGeluNeon;

}  // namespace calque::kernels
