// float32 to and from the 16-bit floating-point formats, as bit patterns.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// n contiguous elements; rounds to nearest, ties to even; overflow gives infinity; NaN stays NaN (quiet,
/// sign and leading payload bits kept); denormals are exact. x and y do not overlap.
void f32_to_bf16(int64_t n, const float* x, uint16_t* y);
void bf16_to_f32(int64_t n, const uint16_t* x, float* y);
void f32_to_f16(int64_t n, const float* x, uint16_t* y);
void f16_to_f32(int64_t n, const uint16_t* x, float* y);

}  // namespace calque::kernels
