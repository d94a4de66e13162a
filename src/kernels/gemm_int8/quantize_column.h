// How a column of weights becomes signed bytes.
#pragma once

#include <cstdint>

namespace calque::kernels {

struct WeightColumn {
  int64_t k;
  const float* data;
  int64_t step;          ///< from one element to the next
  const float* factors;  ///< each element is divided by its own; or nullptr
};

/// Writes q and gives the scale, as FloatWeights (packed_int8.h) says.
float quantize_column(const WeightColumn& column, int8_t* q);

}  // namespace calque::kernels
