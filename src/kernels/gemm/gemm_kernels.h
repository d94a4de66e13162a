// What one instruction set provides for matrix products.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Distance, in elements, between rows of a packed block of A: constant, so that the inner loop addresses all
/// rows from one register, and no multiple of 4 KiB, so that rows do not fall into one set of the first-level
/// cache.
inline constexpr int64_t kPackedRow = 384 + 16;

/// No kernel has more columns.
inline constexpr int kMaxGemmCols = 64;

/// out[rows, cols] = A[rows, k] B[k, cols] + partial, and when `last` alpha * that + beta * c + bias +
/// residual.
template <class T>
struct GemmTile {
  int64_t k;
  int rows;          // 1..mr
  int cols;          // 1..nr
  const T* a;        // rows kPackedRow apart
  const T* b;        // k rows of `cols` rounded up to `width` elements
  const T* partial;  // the sums of the earlier blocks; nullptr in the first
  int64_t partial_row;
  T* out;
  int64_t out_row;
  bool last;
  T alpha;
  T beta;
  const T* c;  // read only when beta != 0
  int64_t c_row;
  const T* bias;      // `cols` elements or nullptr
  const T* residual;  // rows residual_row apart, or nullptr
  int64_t residual_row;
};

template <class T>
struct GemmKernels {
  int mr;     // rows of the largest tile
  int nr;     // columns of the largest tile and of a packed panel
  int width;  // packed columns are rounded up to this
  void (*tile)(const GemmTile<T>& tile);
  /// packed[i * row + j] = b[j * ld + i] for i < k, j < cols, and zero for cols <= j < row.
  void (*pack_transposed)(int64_t k, int cols, const T* b, int64_t ld, T* packed, int64_t row);
};

extern const GemmKernels<float> kGemmF32Scalar;
extern const GemmKernels<float> kGemmF32Avx2;
extern const GemmKernels<float> kGemmF32Avx512;
extern const GemmKernels<float> kGemmF32Neon;
extern const GemmKernels<double> kGemmF64Scalar;
extern const GemmKernels<double> kGemmF64Avx2;
extern const GemmKernels<double> kGemmF64Avx512;
extern const GemmKernels<double> kGemmF64Neon;

}  // namespace calque::kernels
