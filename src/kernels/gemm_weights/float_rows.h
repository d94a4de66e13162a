// Rows of A in float32.
#pragma once

#include <cstdint>

#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// k of weights in 4 bits is filled up to a multiple of this.
inline constexpr int64_t kInt4Group = 32;

/// Words of one group of a column: its scale and least value, then eight digits in each.
inline constexpr int64_t kInt4GroupWords = 1 + kInt4Group / 8;

/// WordKernels::pack_row: the floats as they are.
RowQuantization pack_float_row(int64_t k, const float* x, const float* factors, uint32_t* words);

/// The same, filled up with zeros to a multiple of kInt4Group.
RowQuantization pack_float_groups(int64_t k, const float* x, const float* factors, uint32_t* words);

}  // namespace calque::kernels
