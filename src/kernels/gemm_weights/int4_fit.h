// How a group of weights becomes 4 bits.
#pragma once

#include <cstdint>

#include "kernels/gemm_weights/float_rows.h"

namespace calque::kernels {

struct Int4Fit {
  uint32_t header;  ///< scale in the lower half, least value in the upper, both in bfloat16
  uint8_t digits[kInt4Group];
};

/// count <= kInt4Group weights, `step` elements apart; the digits beyond are 0.
Int4Fit fit_int4(int64_t count, const float* weights, int64_t step);

}  // namespace calque::kernels
