#include "kernels/gemm_int8/quantize_column.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace calque::kernels {

namespace {

constexpr float kGreatestByte = 127.0F;

float value_at(const WeightColumn& column, int64_t i) {
  const float value = column.data[i * column.step];
  return column.factors == nullptr ? value : value / column.factors[i];
}

}  // namespace

float quantize_column(const WeightColumn& column, int8_t* q) {
  float greatest = 0;
  bool finite = true;
  for (int64_t i = 0; i < column.k; ++i) {
    greatest = std::max(greatest, std::abs(value_at(column, i)));
    finite = finite && std::isfinite(value_at(column, i));
  }
  const float scale = finite ? greatest / kGreatestByte : std::numeric_limits<float>::quiet_NaN();
  for (int64_t i = 0; i < column.k; ++i) {
    const float rounded = scale > 0 ? std::nearbyint(value_at(column, i) / scale) : 0.0F;
    q[i] = static_cast<int8_t>(std::clamp(rounded, -kGreatestByte, kGreatestByte));
  }
  return scale;
}

}  // namespace calque::kernels
