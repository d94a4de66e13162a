// Products on the matrix engine, with the vectors of AVX-512 around them. The rules of simd/avx512.h hold
// here.
#pragma once

#include "kernels/gemm_words/avx512_bytes.h"
#include "kernels/gemm_words/avx512_pairs.h"
#include "kernels/gemm_words/matrix_tiles.h"
#include "kernels/simd/avx512.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

struct MatrixBf16 {
  using V = avx512::F32;
  using Sum = V;
  static constexpr int kWidth = V::kWidth;

  template <class Engine, int kSum, int kA, int kB>
  CALQUE_SIMD void dot() {
    Engine::template dot_bf16<kSum, kA, kB>();
  }
  CALQUE_SIMD Sum load_sum(const uint32_t* p) { return {_mm512_castsi512_ps(_mm512_load_si512(p))}; }
  CALQUE_SIMD V finish(const WordTile&, int, int, int, Sum sum, V bias) { return V::add(sum, bias); }
};

struct MatrixInt8 {
  using V = avx512::F32;
  using Sum = __m512i;
  static constexpr int kWidth = V::kWidth;

  template <class Engine, int kSum, int kA, int kB>
  CALQUE_SIMD void dot() {
    Engine::template dot_bytes<kSum, kA, kB>();
  }
  CALQUE_SIMD Sum load_sum(const uint32_t* p) { return _mm512_load_si512(p); }
  CALQUE_SIMD V finish(const WordTile& tile, int r, int col, int count, Sum sum, V bias) {
    return dequantize(tile, r, col, count, avx512::I32{sum}, bias);
  }
};

template <class Engine, class Dot>
constexpr WordKernels matrix_kernels(RowQuantization (*pack_row)(int64_t, const float*, const float*,
                                                                 uint32_t*)) {
  using Tiles = MatrixTiles<Engine, Dot>;
  return {.mr = Tiles::kMr,
          .nr = Tiles::kNr,
          .width = Tiles::kWidth,
          .tile = Tiles::run,
          .pack_row = pack_row,
          .row_unit = TileConfig::kMaxRows,
          .end_task = TileRows<Engine>::release};
}

template <class Engine>
constexpr WordKernels kMatrixBf16 = matrix_kernels<Engine, MatrixBf16>(pack_bf16_row);
template <class Engine>
constexpr WordKernels kMatrixInt8 =
    matrix_kernels<Engine, MatrixInt8>(ByteRows<avx512::F32, Avx512Bytes>::pack);

}  // namespace

}  // namespace calque::kernels

#undef CALQUE_SIMD
