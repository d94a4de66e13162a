#include <arm_neon.h>

#include "kernels/convert/convert_kernels.h"

namespace calque::kernels {

namespace {

constexpr int64_t kWidth = 4;

uint16x4_t to_bf16(float32x4_t x) {
  const uint32x4_t bits = vreinterpretq_u32_f32(x);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7FFF)));
  const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
  return vshrn_n_u32(vbslq_u32(vceqq_f32(x, x), rounded, quiet), 16);
}

float32x4_t from_bf16(uint16x4_t x) { return vreinterpretq_f32_u32(vshll_n_u16(x, 16)); }
uint16x4_t to_f16(float32x4_t x) { return vreinterpret_u16_f16(vcvt_f16_f32(x)); }
float32x4_t from_f16(uint16x4_t x) { return vcvt_f32_f16(vreinterpret_f16_u16(x)); }

// The remainder goes through a full vector in a buffer.
template <uint16x4_t (*kConvert)(float32x4_t)>
void narrow_row(int64_t n, const float* x, uint16_t* y) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) vst1_u16(y + i, kConvert(vld1q_f32(x + i)));
  if (i == n) return;
  float from[kWidth] = {};
  uint16_t to[kWidth];
  for (int64_t j = 0; j < n - i; ++j) from[j] = x[i + j];
  vst1_u16(to, kConvert(vld1q_f32(from)));
  for (int64_t j = 0; j < n - i; ++j) y[i + j] = to[j];
}

template <float32x4_t (*kConvert)(uint16x4_t)>
void widen_row(int64_t n, const uint16_t* x, float* y) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) vst1q_f32(y + i, kConvert(vld1_u16(x + i)));
  if (i == n) return;
  uint16_t from[kWidth] = {};
  float to[kWidth];
  for (int64_t j = 0; j < n - i; ++j) from[j] = x[i + j];
  vst1q_f32(to, kConvert(vld1_u16(from)));
  for (int64_t j = 0; j < n - i; ++j) y[i + j] = to[j];
}

}  // namespace

constexpr ConvertKernels kConvertNeon{narrow_row<to_bf16>, widen_row<from_bf16>, narrow_row<to_f16>,
                                      widen_row<from_f16>};

}  // namespace calque::kernels
