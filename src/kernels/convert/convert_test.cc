#include "kernels/convert/convert.h"

#include <bit>

#include "kernels/convert/convert_kernels.h"
#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class Convert : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, Convert, kAllIsas, isa_test_name);

std::vector<float> floats_of_all_kinds() {
  std::vector<float> x;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 2503)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (uint32_t half = 0; half < 0x10000; ++half) {  // ties and their neighbours, in both formats
    for (const uint32_t low : {0x7FFFU, 0x8000U, 0x8001U})
      x.push_back(std::bit_cast<float>((half << 16) | low));
    for (const uint32_t low : {0x0FFFU, 0x1000U, 0x1001U})
      x.push_back(std::bit_cast<float>((half << 16) | 0x2000 | low));
  }
  return x;
}

TEST_P(Convert, EveryInstructionSetGivesTheSameBits) {
  const std::vector<float> x = floats_of_all_kinds();
  const auto n = static_cast<int64_t>(x.size());
  std::vector<uint16_t> found(x.size()), wanted(x.size());
  f32_to_bf16(n, x.data(), found.data());
  kConvertScalar.f32_to_bf16(n, x.data(), wanted.data());
  EXPECT_EQ(found, wanted);
  f32_to_f16(n, x.data(), found.data());
  kConvertScalar.f32_to_f16(n, x.data(), wanted.data());
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(found[i], wanted[i]) << std::bit_cast<uint32_t>(x[i]);
}

// Of the two neighbours, the nearer one; at a tie the even one.
TEST_P(Convert, RoundsToNearestEven) {
  const std::vector<float> x = floats_of_all_kinds();
  const auto n = static_cast<int64_t>(x.size());
  for (const bool bf16 : {true, false}) {
    std::vector<uint16_t> y(x.size());
    std::vector<float> back(x.size());
    (bf16 ? f32_to_bf16 : f32_to_f16)(n, x.data(), y.data());
    (bf16 ? bf16_to_f32 : f16_to_f32)(n, y.data(), back.data());
    const double largest = bf16 ? 0x1.FFp127 : 65520.0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double value = static_cast<double>(x[i]);
      if (std::isnan(x[i])) {
        ASSERT_TRUE(std::isnan(back[i]));
        continue;
      }
      if (std::abs(value) >= largest) {
        ASSERT_EQ(back[i], std::copysign(kInf, x[i])) << value;
        continue;
      }
      const int exponent = std::max(value == 0 ? -200 : std::ilogb(value), bf16 ? -126 : -14);
      const double unit = std::ldexp(1.0, exponent - (bf16 ? 7 : 10));
      ASSERT_EQ(static_cast<double>(back[i]), std::nearbyint(value / unit) * unit) << value;
      ASSERT_EQ(std::signbit(back[i]), std::signbit(x[i]));
    }
  }
}

TEST_P(Convert, SixteenBitsComeBack) {
  std::vector<uint16_t> all(0x10000), again(0x10000);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> wide(all.size());
  bf16_to_f32(0x10000, all.data(), wide.data());
  f32_to_bf16(0x10000, wide.data(), again.data());
  for (size_t i = 0; i < all.size(); ++i) {
    if (std::isnan(wide[i])) {
      EXPECT_EQ(again[i], all[i] | 0x40);
    } else {
      EXPECT_EQ(again[i], all[i]);
    }
  }
  f16_to_f32(0x10000, all.data(), wide.data());
  f32_to_f16(0x10000, wide.data(), again.data());
  for (size_t i = 0; i < all.size(); ++i) {
    if (std::isnan(wide[i])) {
      EXPECT_EQ(again[i], all[i] | 0x200);
    } else {
      EXPECT_EQ(again[i], all[i]);
    }
  }
}

TEST_P(Convert, TailsStopInTime) {
  std::mt19937 rng(1);
  const std::vector<float> x = random_floats(rng, 40);
  for (int64_t n = 0; n < 40; ++n) {
    std::vector<uint16_t> y(41, 0x7777);
    f32_to_f16(n, x.data(), y.data());
    EXPECT_EQ(y[static_cast<size_t>(n)], 0x7777);
    f32_to_bf16(n, x.data(), y.data());
    EXPECT_EQ(y[static_cast<size_t>(n)], 0x7777);
    std::vector<float> wide(41, 77.0F);
    bf16_to_f32(n, y.data(), wide.data());
    f16_to_f32(n, y.data(), wide.data());
    EXPECT_EQ(wide[static_cast<size_t>(n)], 77.0F);
  }
}

}  // namespace
}  // namespace calque::kernels
