// What one instruction set provides for attention.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Keys whose scores are held at a time.
inline constexpr int64_t kAttentionKeys = 512;

/// Distance, in elements, between rows of the left factor of a tile: constant, so that the inner loop
/// addresses all rows from one register, and an odd number of cache lines, so that rows do not fall into one
/// set of the first-level cache.
inline constexpr int64_t kAttentionRow = kAttentionKeys + 16;

/// No kernel has more rows.
inline constexpr int kMaxAttentionRows = 16;

/// out[rows, cols] = (initial * initial_factor + A[rows, k] B[k, cols]) * factor, summed over k in order. A
/// and B consist of words: a float, or a pair of bfloat16 along k, the first one low.
struct AttentionTile {
  int64_t k;       // words
  int rows;        // 1..rows of the kernels
  int64_t cols;    // any number
  const float* a;  // rows kAttentionRow apart
  const float* b;  // rows b_row apart, readable up to the next multiple of `width` columns
  int64_t b_row;
  const float* initial;  // nullptr: 0
  int64_t initial_row;
  const float* initial_factor;  // one per row; nullptr: 1
  float* out;
  int64_t out_row;
  const float* factor;  // one per row; nullptr: 1
};

struct AttentionKernels {
  int rows;   // of the largest tile
  int panel;  // columns for which a tile of `rows` is fastest; divides kAttentionKeys
  int width;
  int word;  // elements in a word: 1 or 2
  void (*tile)(const AttentionTile& tile);
  /// The words of n elements, the last filled with 0; `words` may be x.
  void (*pack_row)(int64_t n, const float* x, float* words);
  /// packed[i * row + j] = word i of row k + j * ld, for all words of depth elements, j < keys.
  void (*pack_keys)(int64_t depth, int64_t keys, const float* k, int64_t ld, float* packed, int64_t row);
  /// packed[j * row + c] = word j of column v + c, whose elements are ld apart, for all words of `keys`
  /// elements, c < cols, and 0 for cols <= c < row.
  void (*pack_values)(int64_t keys, int64_t cols, const float* v, int64_t ld, float* packed, int64_t row);
  /// x = scale * x + mask, rounded at most twice; returns the largest that is no NaN, -inf without any.
  /// Without `mask` each element's is `same`.
  float (*scale_and_max)(int64_t n, float scale, const float* mask, float same, float* x);
  /// x = exp(x - max) for x <= max or NaN; returns the sum. Relative to the exponential of the rounded
  /// difference, the error is at most 2^-22 down to e^-20, and 2^-21 where floats are normal; exp(0) is 1.
  float (*exp_and_sum)(int64_t n, float max, float* x);
};

extern const AttentionKernels kAttentionScalar;
extern const AttentionKernels kAttentionAvx2;
extern const AttentionKernels kAttentionAvx512;
extern const AttentionKernels kAttentionAvx512Bf16;
extern const AttentionKernels kAttentionNeon;
extern const AttentionKernels kAttentionNeonBf16;

}  // namespace calque::kernels
