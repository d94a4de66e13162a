// What one instruction set provides for conversions.
#pragma once

#include <cstdint>

namespace calque::kernels {

struct ConvertKernels {
  void (*f32_to_bf16)(int64_t n, const float* x, uint16_t* y);
  void (*bf16_to_f32)(int64_t n, const uint16_t* x, float* y);
  void (*f32_to_f16)(int64_t n, const float* x, uint16_t* y);
  void (*f16_to_f32)(int64_t n, const uint16_t* x, float* y);
};

extern const ConvertKernels kConvertScalar;
extern const ConvertKernels kConvertAvx2;
extern const ConvertKernels kConvertAvx512;
extern const ConvertKernels kConvertNeon;

}  // namespace calque::kernels
