// What sums of products of bytes stand for. The rules of simd/avx512.h hold here.
#pragma once

#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// What the sums of columns [col, col + count) stand for, + bias; rounded once. I: as in split_bf16.h.
template <class I>
[[gnu::always_inline]] static inline typename I::Floats dequantize(const WordTile& tile, int r, int col,
                                                                   int count, I sum,
                                                                   typename I::Floats bias) {
  using V = typename I::Floats;
  const RowQuantization& row = tile.quantization[r];
  const I exact = I::fnma(I::set(row.zero_point), I::load_first(tile.col_sums + col, count), sum);
  const V scale = V::mul(V::set(row.scale), V::load_first(tile.col_scales + col, count));
  return V::fma(I::to_float(exact), scale, bias);
}

}  // namespace calque::kernels
