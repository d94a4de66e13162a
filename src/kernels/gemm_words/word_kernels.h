// What one instruction set provides for products in less than float32. Rows of A are packed into words of 32
// bits, which run along k: two bfloat16, four unsigned bytes, or one float32 where only the weights are
// quantised. The first of them has the lowest bits. Words of B are alike, its bytes signed, where both are in
// low precision; otherwise gemm_weights/ says what they are.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// How the bytes of one row of A stand for floats: x = scale * (q - zero_point). Unused by bfloat16. Kernels
/// whose products are of signed bytes store q - 128 and zero_point - 128.
struct RowQuantization {
  float scale = 1;
  int32_t zero_point = 0;
};

/// How the floats of a row become bytes: q = clamp(round(x * inverse) + zero_point, 0, 255), halves to even.
struct RowScale {
  RowQuantization quantization;
  float inverse;
};

/// For a row whose values are in [low, high], a range that holds 0; the 256 bytes divide it evenly. When not
/// all values are finite, the scale is NaN, so that the row of the product is NaN.
RowScale row_scale(float low, float high, bool finite);

/// c[rows, cols] = A B + bias + residual.
struct WordTile {
  int64_t words;
  int rows;           // 1..mr
  int cols;           // 1..nr
  const uint32_t* a;  // rows a_row apart
  int64_t a_row;
  const uint32_t* b;  // a panel of `cols` columns rounded up to `width`
  float* c;
  int64_t c_row;
  const float* bias;      // `cols` elements or nullptr
  const float* residual;  // rows residual_row apart, or nullptr
  int64_t residual_row;
  const RowQuantization* quantization;  // of bytes: one per row
  const float* col_scales;              // of bytes and of weights of 8 bits: one per column
  const int32_t* col_sums;              // of bytes: sum over k of each column of B
  float* unpacked;                      // of first_tile and next_tile: place for the panel in float32
};

struct WordKernels {
  int mr;     // rows of the largest tile
  int nr;     // columns of the largest tile and of a packed panel; the same for all kernels of one Isa
  int width;  // packed columns are rounded up to this; likewise
  void (*tile)(const WordTile& tile);
  /// One row of A, contiguous, times `factors` unless they are nullptr, as words; the last is filled up with
  /// zeros.
  RowQuantization (*pack_row)(int64_t k, const float* x, const float* factors, uint32_t* words);
  int row_unit = 1;  // tiles of rows that are a multiple of this cost least; divides mr
  /// Where more than `few_rows` rows are faster when the first of their tiles leaves the weights in float32
  /// for the others; both give the bits of `tile`, which is then for few_rows at most.
  void (*first_tile)(const WordTile& tile) = nullptr;
  void (*next_tile)(const WordTile& tile) = nullptr;
  int few_rows = 0;
  void (*end_task)() = nullptr;  // called on the thread that ran tiles when it has no more of them for now
};

extern const WordKernels kBf16Scalar;
extern const WordKernels kBf16Avx2;
extern const WordKernels kBf16Avx512;
extern const WordKernels kBf16Avx512Bf16;
extern const WordKernels kBf16Amx;
extern const WordKernels kBf16Neon;
extern const WordKernels kBf16NeonBf16;
extern const WordKernels kInt8Scalar;
extern const WordKernels kInt8Avx2;
extern const WordKernels kInt8Avx512;
extern const WordKernels kInt8Avx512Vnni;
extern const WordKernels kInt8Amx;
extern const WordKernels kInt8Neon;
extern const WordKernels kInt8NeonDot;
extern const WordKernels kWeightsInt8Scalar;
extern const WordKernels kWeightsInt8Avx2;
extern const WordKernels kWeightsInt8Avx512;
extern const WordKernels kWeightsInt8Neon;
extern const WordKernels kWeightsInt4Scalar;
extern const WordKernels kWeightsInt4Avx2;
extern const WordKernels kWeightsInt4Avx512;
extern const WordKernels kWeightsInt4Neon;

}  // namespace calque::kernels
