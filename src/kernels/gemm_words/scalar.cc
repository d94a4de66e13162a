#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/gemm_words/portable.h"
#include "kernels/gemm_words/tile.h"

namespace calque::kernels {

namespace {

struct ScalarBf16 {
  using V = PortableF32;
  using Words = PortableWords;
  using Sum = V::Vector;
  struct B {
    V::Vector low, high;
  };
  using A = B;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  static Sum zero() { return Sum{}; }
  static B load(const uint32_t* p) { return split(Words{p[0], p[1], p[2], p[3]}); }
  static A broadcast(const uint32_t* p) { return split(Words{} + *p); }
  static Sum add(Sum sum, const A& a, const B& b) { return sum + a.low * b.low + a.high * b.high; }
  static V finish(const WordTile&, int, int, int, Sum sum, V bias) { return {sum + bias.v}; }

 private:
  static B split(Words words) {
    return {std::bit_cast<V::Vector>(words << 16), std::bit_cast<V::Vector>(words & 0xFFFF0000U)};
  }
};

uint32_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (x != x) return (bits | 0x400000) >> 16;
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

RowQuantization pack_bf16_row(int64_t k, const float* x, const float*, uint32_t* words) {
  for (int64_t i = 0; i < k; i += 2) {
    words[i / 2] = to_bf16(x[i]) | (i + 1 < k ? to_bf16(x[i + 1]) << 16 : 0);
  }
  return {};
}

struct ScalarInt8 {
  using V = PortableF32;
  using Words = PortableWords;
  using Sum [[gnu::vector_size(16)]] = int32_t;
  struct B {
    Sum bytes[4];
  };
  using A = B;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kRowWords = kWidth;

  static Sum zero() { return Sum{}; }
  static B load(const uint32_t* p) {
    const Words words = {p[0], p[1], p[2], p[3]};
    B b;
    for (int t = 0; t < 4; ++t) b.bytes[t] = std::bit_cast<Sum>(words << (24 - 8 * t)) >> 24;
    return b;
  }
  static A broadcast(const uint32_t* p) {
    A a;
    for (int t = 0; t < 4; ++t) a.bytes[t] = Sum{} + static_cast<int32_t>(*p >> (8 * t) & 0xFF);
    return a;
  }
  static Sum add(Sum sum, const A& a, const B& b) {
    for (int t = 0; t < 4; ++t) sum += a.bytes[t] * b.bytes[t];
    return sum;
  }
  static V finish(const WordTile& tile, int r, int col, int count, Sum sum, V bias) {
    const RowQuantization& row = tile.quantization[r];
    for (int i = 0; i < count; ++i) {
      const int32_t exact = sum[i] - row.zero_point * tile.col_sums[col + i];
      bias.v[i] = std::fma(static_cast<float>(exact), row.scale * tile.col_scales[col + i], bias.v[i]);
    }
    return bias;
  }
};

RowQuantization pack_byte_row(int64_t k, const float* x, const float* factors, uint32_t* words) {
  const auto value = [&](int64_t i) { return factors == nullptr ? x[i] : x[i] * factors[i]; };
  float low = 0, high = 0;
  bool finite = true;
  for (int64_t i = 0; i < k; ++i) {
    low = std::min(low, value(i));
    high = std::max(high, value(i));
    finite = finite && std::isfinite(value(i));
  }
  const RowScale scale = row_scale(low, high, finite);
  std::fill(words, words + (k + 3) / 4, 0U);
  for (int64_t i = 0; finite && i < k; ++i) {
    const float shifted =
        std::nearbyint(value(i) * scale.inverse) + static_cast<float>(scale.quantization.zero_point);
    words[i / 4] |= static_cast<uint32_t>(std::clamp(shifted, 0.0F, 255.0F)) << (i % 4 * 8);
  }
  return scale.quantization;
}

using TilesBf16 = WordTiles<ScalarBf16, 4, 2>;
using TilesInt8 = WordTiles<ScalarInt8, 4, 2>;

}  // namespace

constexpr WordKernels kBf16Scalar{TilesBf16::kMr, TilesBf16::kNr, TilesBf16::kWidth, TilesBf16::run,
                                  pack_bf16_row};
constexpr WordKernels kInt8Scalar{TilesInt8::kMr, TilesInt8::kNr, TilesInt8::kWidth, TilesInt8::run,
                                  pack_byte_row};

}  // namespace calque::kernels
