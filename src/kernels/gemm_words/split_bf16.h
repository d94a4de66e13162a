// Products of bfloat16 where the processor has none: bfloat16 is the upper half of a float32. The rules of
// simd/avx512.h hold here.
#pragma once

#include <cstdint>

#include "kernels/gemm_words/word_kernels.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

/// Dot of WordTiles. I: vector of words, with that of floats as I::Floats.
template <class I>
struct SplitBf16 {
  using V = typename I::Floats;
  using Sum = V;
  struct B {
    V low, high;
  };
  using A = B;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  CALQUE_SIMD Sum zero() { return V::zero(); }
  CALQUE_SIMD B load(const uint32_t* p) { return split(I::load(p)); }
  CALQUE_SIMD A broadcast(const uint32_t* p) { return split(I::broadcast(p)); }
  CALQUE_SIMD Sum add(Sum sum, const A& a, const B& b) {
    return V::fma(a.high, b.high, V::fma(a.low, b.low, sum));
  }
  CALQUE_SIMD V finish(const WordTile&, int, int, int, Sum sum, V bias) { return V::add(sum, bias); }

 private:
  CALQUE_SIMD B split(I words) { return {I::low_bf16(words), I::high_bf16(words)}; }
};

}  // namespace calque::kernels

#undef CALQUE_SIMD
