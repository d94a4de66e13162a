// What one instruction set provides for products of 8-bit integers.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Rows of A that one call of GemmInt8Kernels::tile takes at most.
inline constexpr int64_t kInt8Rows = 4;

/// What turns the sums of one block of columns into floats; pointers are at its first column.
struct Int8Finish {
  int64_t columns = 0;
  float a_scale = 1;
  int32_t a_zero_point = 0;
  const float* scales = nullptr;
  const int32_t* zero_points = nullptr;
  const int32_t* offsets = nullptr;
  const float* bias = nullptr;
  bool relu = false;
};

struct GemmInt8Kernels {
  /// q[i] = clamp(round(x[i] * inverse) + zero_point, 0, 255); NaN becomes 0. Gives the sum of q.
  int32_t (*quantize)(int64_t n, const float* x, float inverse, int32_t zero_point, int16_t* q);
  /// sums[r][j] = sum over 2 * pairs of a[r * a_row + ...] and the packed block b, for r < rows <= kInt8Rows.
  void (*tile)(int64_t rows, int64_t pairs, const int16_t* a, int64_t a_row, const int8_t* b, int32_t* sums);
  /// One row of c: (sums without the zero points) * scales + bias, rounded once.
  void (*finish)(const Int8Finish& how, int32_t row_sum, const int32_t* sums, float* c);
};

extern const GemmInt8Kernels kGemmInt8Scalar;
extern const GemmInt8Kernels kGemmInt8Avx2;
extern const GemmInt8Kernels kGemmInt8Avx512;
extern const GemmInt8Kernels kGemmInt8Neon;

}  // namespace calque::kernels
