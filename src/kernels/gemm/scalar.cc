#include <cstring>

#include "kernels/gemm/gemm_kernels.h"

namespace calque::kernels {

namespace {

constexpr int kRows = 4;
constexpr int kVectors = 2;

// Vectors of 16 bytes, which compilers turn into whatever the platform has at least.
template <class T>
struct Portable {
  using Vector [[gnu::vector_size(16)]] = T;
  static constexpr int kWidth = 16 / sizeof(T);
  static constexpr int kCols = kVectors * kWidth;
};

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
      if (tile.residual != nullptr) value += tile.residual[row * tile.residual_row + j];
    }
    out[j] = value;
  }
}

template <class T, int kTileRows>
void run_rows(const GemmTile<T>& tile) {
  using Vector = typename Portable<T>::Vector;
  Vector sums[kTileRows][kVectors] = {};
  for (int64_t i = 0; i < tile.k; ++i) {
    Vector b[kVectors];
    std::memcpy(b, tile.b + i * Portable<T>::kCols, sizeof b);
    for (int row = 0; row < kTileRows; ++row) {
      const T a = tile.a[row * kPackedRow + i];
      for (int j = 0; j < kVectors; ++j) sums[row][j] += a * b[j];
    }
  }
  for (int row = 0; row < kTileRows; ++row) {
    T values[Portable<T>::kCols];
    std::memcpy(values, sums[row], sizeof values);
    finish_row(tile, row, values);
  }
}

template <class T>
void run_tile(const GemmTile<T>& tile) {
  static constexpr void (*kTable[kRows])(const GemmTile<T>&) = {run_rows<T, 1>, run_rows<T, 2>,
                                                                run_rows<T, 3>, run_rows<T, 4>};
  kTable[tile.rows - 1](tile);
}

template <class T>
void pack_transposed(int64_t k, int cols, const T* b, int64_t ld, T* packed, int64_t row) {
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < row; ++j) packed[i * row + j] = j < cols ? b[j * ld + i] : T(0);
  }
}

template <class T>
constexpr GemmKernels<T> kKernels{kRows, Portable<T>::kCols, Portable<T>::kCols, run_tile<T>,
                                  pack_transposed<T>};

}  // namespace

constexpr GemmKernels<float> kGemmF32Scalar = kKernels<float>;
constexpr GemmKernels<double> kGemmF64Scalar = kKernels<double>;

}  // namespace calque::kernels
