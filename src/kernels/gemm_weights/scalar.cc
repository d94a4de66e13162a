#include <bit>
#include <cstdint>

#include "kernels/gemm_weights/float_rows.h"
#include "kernels/gemm_weights/int4_loop.h"
#include "kernels/gemm_weights/unpack_loop.h"
#include "kernels/gemm_words/portable.h"
#include "kernels/gemm_words/tile.h"

namespace calque::kernels {

namespace {

struct ScalarWeights {
  using V = PortableF32;
  using Sum = V;
  using A = V;
  using B = V;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth / 4;

  static Sum zero() { return V::zero(); }
  static A broadcast(const uint32_t* p) { return {V::Vector{} + std::bit_cast<float>(*p)}; }
  static B load(const uint32_t* p) {
    B b = V::zero();
    for (int i = 0; i < kWidth; ++i) b.v[i] = static_cast<int8_t>(*p >> (8 * i) & 0xFF);
    return b;
  }
  static Sum add(Sum sum, A a, B b) { return V::fma(a, b, sum); }
  static V finish(const WordTile& tile, int, int col, int count, Sum sum, V bias) {
    return V::fma(sum, V::load_first(tile.col_scales + col, count), bias);
  }
};

struct ScalarDigits : ScalarWeights {
  using Words = PortableWords;

  static Words load(const uint32_t* p) { return Words{p[0], p[1], p[2], p[3]}; }
  static V low_half(Words x) { return {std::bit_cast<V::Vector>(x << 16)}; }
  static V high_half(Words x) { return {std::bit_cast<V::Vector>(x & 0xFFFF0000U)}; }
  static V digit(Words x, int t) { return {__builtin_convertvector(x >> (4 * t) & 15U, V::Vector)}; }
  static V finish(const WordTile&, int, int, int, Sum sum, V bias) { return {sum.v + bias.v}; }
};

using TilesInt8Weights = WordTiles<ScalarWeights, 4, 2>;
using FewInt4Weights = WordTiles<ScalarDigits, 2, 2, Int4Loop<ScalarDigits>>;

}  // namespace

constexpr WordKernels kWeightsInt8Scalar =
    unpacking_kernels<TilesInt8Weights, ScalarWeights, FirstInt8Loop<ScalarWeights>, 4, 2>(pack_float_row);
constexpr WordKernels kWeightsInt4Scalar =
    unpacking_kernels<FewInt4Weights, ScalarDigits, FirstInt4Loop<ScalarDigits>, 4, 2>(pack_float_groups);

}  // namespace calque::kernels
