#include <bit>

#include "kernels/convert/convert_kernels.h"

namespace calque::kernels {

namespace {

constexpr uint32_t kF32Infinity = 0x7F800000;

uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7FFFFFFF) > kF32Infinity) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float from_bf16(uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); }

// value / 2^shift, rounded to nearest, ties to even.
uint32_t shift_rounded(uint32_t value, int shift) {
  const uint32_t kept = value >> shift;
  const uint32_t rest = value & ((1U << shift) - 1);
  const uint32_t half = 1U << (shift - 1);
  return kept + (rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0);
}

uint16_t to_f16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > kF32Infinity) return static_cast<uint16_t>(sign | 0x7E00 | ((magnitude >> 13) & 0x3FF));
  const int exponent = static_cast<int>(magnitude >> 23) - 127;
  if (exponent >= 16) return static_cast<uint16_t>(sign | 0x7C00);
  if (exponent >= -14) return static_cast<uint16_t>(sign | shift_rounded(magnitude - (112U << 23), 13));
  if (exponent < -25) return static_cast<uint16_t>(sign);
  const uint32_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
  return static_cast<uint16_t>(sign | shift_rounded(mantissa, -exponent - 1));
}

float from_f16(uint16_t x) {
  const uint32_t sign = static_cast<uint32_t>(x & 0x8000) << 16;
  const uint32_t exponent = (x >> 10) & 31;
  const uint32_t mantissa = x & 0x3FF;
  if (exponent == 31) {
    const uint32_t quiet = mantissa != 0 ? 0x400000 : 0;
    return std::bit_cast<float>(sign | kF32Infinity | quiet | (mantissa << 13));
  }
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float value = static_cast<float>(mantissa) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

template <class X, class Y, Y (*Convert)(X)>
void convert_row(int64_t n, const X* x, Y* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = Convert(x[i]);
}

}  // namespace

constexpr ConvertKernels kConvertScalar{
    convert_row<float, uint16_t, to_bf16>,
    convert_row<uint16_t, float, from_bf16>,
    convert_row<float, uint16_t, to_f16>,
    convert_row<uint16_t, float, from_f16>,
};

}  // namespace calque::kernels
