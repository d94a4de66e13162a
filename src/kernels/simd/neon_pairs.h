// Rows of bfloat16 in words of two, by the processor's own conversion. Only for files compiled for
// FEAT_BF16; the rules of avx512.h hold here, and everything is static.
#pragma once

#include <cstring>

#include "kernels/simd/neon.h"

namespace calque::kernels {

namespace {

/// The words of n elements, of 4 bytes, the first element low; the last is filled up with zero.
inline void pack_bf16_pairs(int64_t n, const float* x, void* words) {
  using V = neon::F32;
  auto* to = static_cast<unsigned char*>(words);
  for (int64_t i = 0; i < n; i += 2 * V::kWidth, to += sizeof(uint32x4_t)) {
    const int rest = static_cast<int>(n - i < 2 * V::kWidth ? n - i : 2 * V::kWidth);
    const V low = V::load_first(x + i, rest < V::kWidth ? rest : V::kWidth);
    const V high = rest > V::kWidth ? V::load_first(x + i + V::kWidth, rest - V::kWidth) : V::zero();
    const bfloat16x8_t pairs = vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(low.v), high.v);
    if (rest == 2 * V::kWidth) {
      std::memcpy(to, &pairs, sizeof pairs);
    } else {
      std::memcpy(to, &pairs, static_cast<size_t>((rest + 1) / 2) * sizeof(uint32_t));
    }
  }
}

}  // namespace

}  // namespace calque::kernels
