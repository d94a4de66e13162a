#include "kernels/gemm/gemm_kernels.h"

namespace calque::kernels {

namespace {

constexpr int kRows = 4;
constexpr int kCols = 8;

template <class T>
void finish_row(const GemmTile<T>& tile, int row, const T* sums) {
  T* const out = tile.out + row * tile.out_row;
  for (int j = 0; j < tile.cols; ++j) {
    T value = sums[j];
    if (tile.partial != nullptr) value += tile.partial[row * tile.partial_row + j];
    if (tile.last) {
      value *= tile.alpha;
      if (tile.beta != 0) value += tile.beta * tile.c[row * tile.c_row + j];
      if (tile.bias != nullptr) value += tile.bias[j];
    }
    out[j] = value;
  }
}

template <class T>
void run_tile(const GemmTile<T>& tile) {
  for (int row = 0; row < tile.rows; ++row) {
    const T* const a = tile.a + row * kPackedRow;
    T sums[kCols] = {};
    for (int64_t i = 0; i < tile.k; ++i) {
      for (int j = 0; j < kCols; ++j) sums[j] += a[i] * tile.b[i * kCols + j];
    }
    finish_row(tile, row, sums);
  }
}

template <class T>
void pack_transposed(int64_t k, int cols, const T* b, int64_t ld, T* packed, int64_t row) {
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < row; ++j) packed[i * row + j] = j < cols ? b[j * ld + i] : T(0);
  }
}

}  // namespace

constexpr GemmKernels<float> kGemmF32Scalar{kRows, kCols, kCols, run_tile<float>, pack_transposed<float>};
constexpr GemmKernels<double> kGemmF64Scalar{kRows, kCols, kCols, run_tile<double>, pack_transposed<double>};

}  // namespace calque::kernels
