#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

RowScale row_scale(float low, float high, bool finite) {
  if (!finite) return {{std::numeric_limits<float>::quiet_NaN(), 0}, 0};
  // In this order the range of two large numbers is finite; the least scale has a finite inverse.
  const float scale = std::max(high / 255.0F - low / 255.0F, std::numeric_limits<float>::min());
  const float inverse = 1.0F / scale;
  return {{scale, static_cast<int32_t>(std::nearbyint(-low * inverse))}, inverse};
}

}  // namespace calque::kernels
