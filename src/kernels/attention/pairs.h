// Attention over words of two bfloat16, for processors with products of them. The rules of simd/avx512.h hold
// here, and everything is static.
#pragma once

#include <cstdint>

#include "kernels/attention/ops.h"
#include "kernels/attention/pack_keys.h"

namespace calque::kernels {

namespace {

/// V: vector type. Pairs: add(a, b, sum), how words are multiplied; pack(n, x, words), the words of n
/// elements; and beside(first, second), the words of elements of two rows. Square: as for pack_keys.
template <class V, class Pairs, class Square>
struct PairOps {
  static void pack_pair_keys(int64_t depth, int64_t keys, const float* k, int64_t ld, float* packed,
                             int64_t row) {
    constexpr int64_t kWords = 64;
    alignas(64) float words[Square::kSize * kWords];
    for (int64_t j = 0; j < keys; j += Square::kSize) {
      const int64_t here = keys - j < Square::kSize ? keys - j : Square::kSize;
      for (int64_t i = 0; i < depth; i += 2 * kWords) {
        const int64_t elements = depth - i < 2 * kWords ? depth - i : 2 * kWords;
        for (int64_t t = 0; t < here; ++t) Pairs::pack(elements, k + (j + t) * ld + i, words + t * kWords);
        pack_keys<Square>((elements + 1) / 2, here, words, kWords, packed + i / 2 * row + j, row);
      }
    }
  }

  static void pack_pair_values(int64_t keys, int64_t cols, const float* v, int64_t ld, float* packed,
                               int64_t row) {
    for (int64_t j = 0; j < keys; j += 2, packed += row) {
      const float* const first = v + j * ld;
      for (int64_t c = 0; c < cols; c += V::kWidth) {
        const int count = static_cast<int>(cols - c < V::kWidth ? cols - c : V::kWidth);
        const V second = j + 1 < keys ? V::load_first(first + ld + c, count) : V::zero();
        V::store(packed + c, Pairs::beside(V::load_first(first + c, count), second));
      }
    }
  }

  /// With tiles as of AttentionOps.
  template <int kRows, int kSums>
  static constexpr AttentionKernels kernels() {
    AttentionKernels kernels = AttentionOps<V, kRows, kSums, true, Pairs>::kernels(pack_pair_keys);
    kernels.word = 2;
    kernels.pack_row = Pairs::pack;
    kernels.pack_values = pack_pair_values;
    return kernels;
  }
};

}  // namespace

}  // namespace calque::kernels
