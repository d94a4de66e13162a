// Products of 8-bit integers with float results: activations quantised on the fly, weights packed once.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Columns of B that stand side by side in a packed block.
inline constexpr int64_t kInt8Columns = 16;

/// The most terms of a sum: with more, 255 * 255 times their number leaves int32.
inline constexpr int64_t kMaxInt8Depth = 32768;

/// Bytes of the packed form of B[k, n]: n rounded up to kInt8Columns, k to an even number.
int64_t packed_int8_bytes(int64_t k, int64_t n);

/// Packs W[n, k], rows contiguous, as B = W^T: blocks of kInt8Columns columns; in a block, for each pair of
/// k, the pair of each column. Places beyond n and k are 0. The same bytes for every instruction set.
void pack_int8(int64_t k, int64_t n, const int8_t* w, int8_t* packed);

/// How a float stands for an unsigned byte: q = clamp(round(x * inverse_scale) + zero_point, 0, 255), halves
/// to even.
struct ByteQuantization {
  float scale = 1;
  int32_t zero_point = 0;
};

/// C[m, n] = dequantised(quantised(A)) * dequantised(B) + bias, then max(0, .) if asked. Sums are exact in
/// int32; k is at most kMaxInt8Depth, so that they fit.
struct GemmInt8Args {
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  const float* a = nullptr;
  int64_t a_row = 0;
  ByteQuantization a_quantization{};
  const int8_t* b = nullptr;               ///< of pack_int8
  const float* b_scales = nullptr;         ///< n of them
  const int32_t* b_zero_points = nullptr;  ///< n of them
  /// For each column the sum over k of its integers, minus k times its zero point.
  const int32_t* b_offsets = nullptr;
  const float* bias = nullptr;  ///< n of them, or null
  bool relu = false;
  float* c = nullptr;  ///< contiguous
};

/// Throws std::bad_alloc.
void gemm_int8(const GemmInt8Args& args);

}  // namespace calque::kernels
