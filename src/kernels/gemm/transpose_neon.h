// Transposition in NEON's registers. The rules of simd/avx512.h hold here, and everything is static.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace calque::kernels {

namespace {

/// For transpose.h.
struct NeonSquare {
  static constexpr int64_t kSize = 4;

  [[gnu::always_inline]] static inline void transpose(const float* b, int64_t ld, float* packed,
                                                      int64_t row) {
    const float32x4_t low01 = vtrn1q_f32(vld1q_f32(b), vld1q_f32(b + ld));
    const float32x4_t high01 = vtrn2q_f32(vld1q_f32(b), vld1q_f32(b + ld));
    const float32x4_t low23 = vtrn1q_f32(vld1q_f32(b + 2 * ld), vld1q_f32(b + 3 * ld));
    const float32x4_t high23 = vtrn2q_f32(vld1q_f32(b + 2 * ld), vld1q_f32(b + 3 * ld));
    vst1q_f32(packed, vcombine_f32(vget_low_f32(low01), vget_low_f32(low23)));
    vst1q_f32(packed + row, vcombine_f32(vget_low_f32(high01), vget_low_f32(high23)));
    vst1q_f32(packed + 2 * row, vcombine_f32(vget_high_f32(low01), vget_high_f32(low23)));
    vst1q_f32(packed + 3 * row, vcombine_f32(vget_high_f32(high01), vget_high_f32(high23)));
  }
};

}  // namespace

}  // namespace calque::kernels
