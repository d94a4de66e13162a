// Rows of A in bfloat16, for instruction sets whose dot product is that of float32.
#pragma once

#include <cstdint>

#include "kernels/convert/convert_kernels.h"
#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// WordKernels::pack_row, little endian.
template <const ConvertKernels* kConvert>
RowQuantization pack_bf16_row(int64_t k, const float* x, const float*, uint32_t* words) {
  if (k % 2 != 0) words[k / 2] = 0;
  kConvert->f32_to_bf16(k, x, reinterpret_cast<uint16_t*>(words));
  return {};
}

}  // namespace calque::kernels
