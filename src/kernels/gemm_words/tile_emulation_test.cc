#include "kernels/gemm_words/tile_emulation.h"

#include <bit>

#include "kernels/gemm_words/emulated_matrix.h"
#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

struct Shape {
  int m, n, words;
};

TileConfig config_of(const Shape& shape) {
  TileConfig config;
  const auto set = [&](int tile, int rows, int words) {
    config.rows[tile] = static_cast<uint8_t>(rows);
    config.row_bytes[tile] = static_cast<uint16_t>(4 * words);
  };
  set(0, shape.m, shape.n);
  set(1, shape.m, shape.words);
  set(2, shape.words, shape.n);
  return config;
}

Shape random_shape(std::mt19937& rng) {
  const auto size = [&] { return static_cast<int>(random_size(rng, 1, 16)); };
  return {size(), size(), size()};
}

std::vector<uint32_t> random_words(std::mt19937& rng, int64_t n) {
  std::vector<uint32_t> words(static_cast<size_t>(n));
  for (uint32_t& word : words) word = static_cast<uint32_t>(rng());
  return words;
}

std::string fault_of(const TileConfig& config) {
  TileState state;
  try {
    state.configure(config);
  } catch (const TileFault& fault) {
    return fault.what();
  }
  return "";
}

TEST(TileEmulation, BytesAreUnsignedTimesSignedAndWrap) {
  std::mt19937 rng(1);
  for (int round = 0; round < 50; ++round) {
    const Shape shape = random_shape(rng);
    const auto [m, n, words] = shape;
    const auto a = random_words(rng, m * words), b = random_words(rng, words * n),
               c = random_words(rng, m * n);
    TileState state;
    state.configure(config_of(shape));
    state.load(0, c.data(), 4 * n);
    state.load(1, a.data(), 4 * words);
    state.load(2, b.data(), 4 * n);
    state.dot_bytes(0, 1, 2);
    std::vector<uint32_t> found(c.size());
    state.store(0, found.data(), 4 * n);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        int64_t sum = c[static_cast<size_t>(i * n + j)];
        for (int t = 0; t < 4 * words; ++t) {
          const uint32_t left = a[static_cast<size_t>(i * words + t / 4)] >> (t % 4 * 8) & 0xFF;
          const uint32_t right = b[static_cast<size_t>(t / 4 * n + j)] >> (t % 4 * 8) & 0xFF;
          sum += static_cast<int64_t>(left) * (static_cast<int64_t>(right ^ 0x80) - 0x80);
        }
        ASSERT_EQ(found[static_cast<size_t>(i * n + j)], static_cast<uint32_t>(sum));
      }
    }
  }
}

TEST(TileEmulation, PairsOfWholeNumbersAreExact) {
  std::mt19937 rng(2);
  for (int round = 0; round < 50; ++round) {
    const Shape shape = random_shape(rng);
    const auto [m, n, words] = shape;
    const auto whole = [&](int64_t count) {
      std::vector<float> values(static_cast<size_t>(count));
      for (float& value : values) value = static_cast<float>(random_size(rng, -128, 128));
      return values;
    };
    const auto pack = [](const std::vector<float>& values) {
      std::vector<uint16_t> halves;
      for (const float value : values)
        halves.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
      return halves;
    };
    const auto a = whole(2 * m * words), b = whole(2 * words * n), c = whole(m * n);
    TileState state;
    state.configure(config_of(shape));
    state.load(0, c.data(), 4 * n);
    state.load(1, pack(a).data(), 4 * words);
    state.load(2, pack(b).data(), 4 * n);
    state.dot_bf16(0, 1, 2);
    std::vector<float> found(c.size());
    state.store(0, found.data(), 4 * n);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        float sum = c[static_cast<size_t>(i * n + j)];
        for (int t = 0; t < 2 * words; ++t) {
          sum += a[static_cast<size_t>(2 * i * words + t)] *
                 b[static_cast<size_t>(t / 2 * 2 * n + 2 * j + t % 2)];
        }
        ASSERT_EQ(found[static_cast<size_t>(i * n + j)], sum);
      }
    }
  }
}

TEST(TileEmulation, DenormalsAreZeroAndHalvesGoToEven) {
  const float least = std::numeric_limits<float>::min();
  EXPECT_EQ(flushed_fma(least / 2, 1, 1), 1.0F);
  EXPECT_EQ(flushed_fma(least / 2, 0, 0), 0.0F);
  EXPECT_EQ(flushed_fma(0, least / 2, 0x1p100F), 0.0F);
  EXPECT_EQ(flushed_fma(0, least, 0.5F), 0.0F);
  EXPECT_EQ(flushed_fma(0, least, 1), least);
  EXPECT_EQ(flushed_fma(least * 1.5F, -least, 0x1p0F), 0.0F);
  EXPECT_EQ(flushed_fma(1, 0x1p-12F, 0x1p-12F), 1.0F);
  EXPECT_EQ(flushed_fma(1 + 0x1p-23F, 0x1p-12F, 0x1p-12F), 1 + 0x1p-22F);
  EXPECT_TRUE(std::isnan(flushed_fma(0, kInf, least / 2)));
}

// AVX512_BF16 documents the same arithmetic as TDPBF16PS, and there are processors with it at hand.
TEST(TileEmulation, ArithmeticIsThatOfTheVectorExtension) {
  if (!best_extensions().bf16 || emulated_matrix().bf16 == nullptr) GTEST_SKIP() << "no AVX512_BF16";
  std::mt19937 rng(3);
  const auto check = [](uint32_t sum_bits, uint16_t a, uint16_t b) {
    const auto sum = std::bit_cast<float>(sum_bits);
    const auto wide = [](uint16_t half) { return std::bit_cast<float>(static_cast<uint32_t>(half) << 16); };
    const float found = flushed_fma(sum, wide(a), wide(b)), wanted = processor_fma(sum, a, b);
    if (std::isnan(found) && std::isnan(wanted)) return;
    ASSERT_EQ(std::bit_cast<uint32_t>(found), std::bit_cast<uint32_t>(wanted))
        << sum << " + " << wide(a) << " * " << wide(b) << ": " << found << ", processor " << wanted;
  };
  for (int round = 0; round < 200000; ++round) {
    const auto bits = static_cast<uint32_t>(rng());
    const auto a = static_cast<uint16_t>(rng()), b = static_cast<uint16_t>(rng());
    check(bits, a, b);
    // Products and sums about the least normal number.
    const auto near = static_cast<uint16_t>((a & 0x80FF) | (0x3F00 - (b & 0x7F00)));
    check(bits & 0x81FFFFFF, near, b);
    check(bits & 0x80FFFFFF, static_cast<uint16_t>(a & 0x80FF), static_cast<uint16_t>(0x3F00 | (b & 0x80FF)));
  }
}

TEST(TileEmulation, WrongConfigurationsFault) {
  const TileConfig good = config_of({16, 16, 16});
  EXPECT_EQ(fault_of(good), "");
  const auto expect = [&](const char* text, auto&& change) {
    TileConfig config = good;
    change(config);
    EXPECT_EQ(fault_of(config).substr(0, std::string_view(text).size()), text);
  };
  expect("#GP palette 2", [](TileConfig& config) { config.palette = 2; });
  expect("#GP a reserved byte", [](TileConfig& config) { config.reserved[3] = 1; });
  expect("#GP more than 8 tiles", [](TileConfig& config) { config.row_bytes[8] = 64; });
  expect("#GP more than 16 rows", [](TileConfig& config) { config.rows[0] = 17; });
  expect("#GP more than 64 bytes", [](TileConfig& config) { config.row_bytes[1] = 68; });
  expect("#GP only one", [](TileConfig& config) { config.rows[2] = 0; });
}

TEST(TileEmulation, WrongUsesFault) {
  TileState state;
  EXPECT_THROW(state.zero(0), TileFault);
  TileConfig config = config_of({5, 16, 7});
  config.rows[3] = 6, config.row_bytes[3] = 7 * 4;
  state.configure(config);
  EXPECT_EQ(TileState::configured(), 1);
  state.dot_bytes(0, 1, 2);
  EXPECT_THROW(state.zero(7), TileFault);
  EXPECT_THROW(state.dot_bytes(0, 1, 1), TileFault);
  EXPECT_THROW(state.dot_bytes(0, 3, 2), TileFault);
  EXPECT_THROW(state.dot_bf16(0, 2, 1), TileFault);
  state.release();
  EXPECT_EQ(TileState::configured(), 0);
  EXPECT_THROW(state.dot_bytes(0, 1, 2), TileFault);
}

}  // namespace
}  // namespace calque::kernels
