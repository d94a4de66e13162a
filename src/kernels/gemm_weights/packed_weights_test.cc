#include "kernels/gemm_weights/packed_weights.h"

#include <algorithm>

#include "kernels/gemm_int8/quantize_column.h"
#include "kernels/gemm_weights/int4_fit.h"
#include "kernels/gemm_words/test_support.h"

namespace calque::kernels {
namespace {

class PackedWeightsTest : public VariantTest {};
INSTANTIATE_TEST_SUITE_P(Isa, PackedWeightsTest, ::testing::ValuesIn(variants({})), variant_name);

PackedWeightsInt8 pack_int8(const Linear& x) { return pack_weights_int8(x.k, x.n, x.w.data(), 1, x.k); }
PackedWeightsInt4 pack_int4(const Linear& x) { return pack_weights_int4(x.k, x.n, x.w.data(), 1, x.k); }
void multiply(const GemmPackedArgs& args, const PackedWeightsInt8& b) { gemm_weights_int8(args, b); }
void multiply(const GemmPackedArgs& args, const PackedWeightsInt4& b) { gemm_weights_int4(args, b); }

// What the packed weights stand for, [k, n]: the rows of the unit matrix times them.
template <class Packed>
std::vector<float> unpacked(const Packed& packed) {
  const int64_t k = packed.k(), n = packed.n();
  std::vector<float> unit(static_cast<size_t>(k * k)), w(static_cast<size_t>(k * n));
  for (int64_t i = 0; i < k; ++i) unit[static_cast<size_t>(i * k + i)] = 1;
  multiply({.m = k, .a = unit.data(), .a_row = k, .c = w.data(), .c_row = n}, packed);
  return w;
}

template <class Packed>
void check_product(Linear& x, const Packed& packed, bool with_bias, Activation activation,
                   bool with_residual) {
  const std::vector<float> w = unpacked(packed);
  GemmPackedArgs args = x.args();
  args.bias = with_bias ? x.bias.data() : nullptr;
  args.activation = activation;
  args.residual = with_residual ? x.residual.data() : nullptr;
  args.residual_row = x.residual_row;
  multiply(args, packed);
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) {
      double sum = with_bias ? static_cast<double>(x.bias[static_cast<size_t>(j)]) : 0;
      double magnitude = 2;
      for (int64_t t = 0; t < x.k; ++t) {
        const double term =
            static_cast<double>(x.a_at(i, t)) * static_cast<double>(w[static_cast<size_t>(t * x.n + j)]);
        sum += term, magnitude += std::abs(term);
      }
      const double wanted =
          activated(activation, sum) + (with_residual ? static_cast<double>(x.residual_at(i, j)) : 0);
      ASSERT_NEAR(x.c_at(i, j), wanted, 4 * std::sqrt(static_cast<double>(x.k) + 4) * 0x1p-24 * magnitude)
          << "m " << x.m << " n " << x.n << " k " << x.k << " at " << i << ", " << j;
    }
  }
  x.expect_guards();
}

TEST_P(PackedWeightsTest, EdgeSizesAreSumsOfUnpackedWeights) {
  std::mt19937 rng(1);
  for (const int64_t m : {0, 1, 2, 5, 8, 9, 17}) {
    for (const int64_t n : {0, 1, 7, 8, 17, 47, 48, 49, 100}) {
      for (const int64_t k : {0, 1, 2, 31, 32, 33, 64}) {
        Linear x(rng, m, n, k);
        check_product(x, pack_int8(x), m % 2 == 0, Activation::kNone, false);
        check_product(x, pack_int4(x), m % 2 == 0, Activation::kNone, false);
      }
    }
  }
}

TEST_P(PackedWeightsTest, RandomCasesAreSumsOfUnpackedWeights) {
  std::mt19937 rng(2);
  for (int round = 0; round < 30; ++round) {
    Linear x(rng, random_size(rng, 1, 40), random_size(rng, 1, 120), random_size(rng, 0, 300),
             random_size(rng, 1, 3));
    check_product(x, pack_int8(x), round % 2 == 0, static_cast<Activation>(round % 7), round % 3 == 0);
    check_product(x, pack_int4(x), round % 2 == 0, static_cast<Activation>(round % 7), round % 3 == 0);
  }
}

TEST_P(PackedWeightsTest, RowsStandAlone) {
  std::mt19937 rng(3);
  // The last four: the most rows of a tile and more, of each instruction set.
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{37, 150, 801},
                                {130, 2, 900},
                                {3, 700, 256},
                                {4, 100, 40},
                                {6, 100, 70},
                                {8, 100, 64},
                                {9, 100, 33}}) {
    Linear x(rng, m, n, k);
    const PackedWeightsInt8 int8 = pack_int8(x);
    const PackedWeightsInt4 int4 = pack_int4(x);
    expect_rows_stand_alone(x, [&](const GemmPackedArgs& args) { multiply(args, int8); });
    expect_rows_stand_alone(x, [&](const GemmPackedArgs& args) { multiply(args, int4); });
  }
}

TEST_P(PackedWeightsTest, EightBitsAreWithinHalfAStep) {
  std::mt19937 rng(4);
  Linear x(rng, 1, 50, 70);
  const PackedWeightsInt8 packed = pack_int8(x);
  const std::vector<float> w = unpacked(packed);
  for (int64_t j = 0; j < x.n; ++j) {
    float greatest = 0;
    for (int64_t t = 0; t < x.k; ++t) greatest = std::max(greatest, std::abs(x.w_at(j, t)));
    EXPECT_EQ(packed.scales()[j], greatest / 127);
    for (int64_t t = 0; t < x.k; ++t) {
      ASSERT_NEAR(w[static_cast<size_t>(t * x.n + j)], x.w_at(j, t), greatest / 127 * 0.501F);
    }
  }
}

// The error that 16 even steps from the least to the greatest value of a group leave.
double plain_error(const Linear& x, int64_t j, int64_t first, int64_t count) {
  float low = kInf, high = -kInf;
  for (int64_t t = first; t < first + count; ++t) {
    low = std::min(low, x.w_at(j, t));
    high = std::max(high, x.w_at(j, t));
  }
  const double scale = (static_cast<double>(high) - static_cast<double>(low)) / 15;
  double error = 0;
  for (int64_t t = first; t < first + count; ++t) {
    const double place = (static_cast<double>(x.w_at(j, t)) - static_cast<double>(low)) / scale;
    error += std::pow((std::nearbyint(place) - place) * scale, 2);
  }
  return error;
}

TEST_P(PackedWeightsTest, FourBitsAreBetterThanEvenStepsOfTheRange) {
  std::mt19937 rng(5);
  std::normal_distribution<float> normal;
  Linear x(rng, 1, 48, 160);
  for (float& value : x.w) value = normal(rng);
  const std::vector<float> w = unpacked(pack_int4(x));
  double error = 0, plain = 0, size = 0;
  for (int64_t j = 0; j < x.n; ++j) {
    for (int64_t t = 0; t < x.k; ++t) {
      const double value = static_cast<double>(x.w_at(j, t));
      error += std::pow(static_cast<double>(w[static_cast<size_t>(t * x.n + j)]) - value, 2);
      size += value * value;
    }
    for (int64_t t = 0; t < x.k; t += 32) plain += plain_error(x, j, t, 32);
  }
  EXPECT_LT(error, 0.97 * plain);
  EXPECT_LT(std::sqrt(error / size), 0.08);
}

TEST_P(PackedWeightsTest, FourBitsKeepConstantsAndLines) {
  Linear x = [] {
    std::mt19937 rng(6);
    return Linear(rng, 1, 3, 48);
  }();
  for (int64_t t = 0; t < x.k; ++t) {
    x.w[static_cast<size_t>(t)] = 0.75F;
    x.w[static_cast<size_t>(x.k + t)] = 0;
    x.w[static_cast<size_t>(2 * x.k + t)] = static_cast<float>(t % 16) * 0.25F - 2;
  }
  const std::vector<float> w = unpacked(pack_int4(x));
  for (int64_t j = 0; j < x.n; ++j) {
    for (int64_t t = 0; t < x.k; ++t)
      ASSERT_EQ(w[static_cast<size_t>(t * x.n + j)], x.w_at(j, t)) << j << " " << t;
  }
}

TEST_P(PackedWeightsTest, WeightsThatAreNotFiniteGiveNanInTheirColumn) {
  std::mt19937 rng(7);
  Linear x(rng, 4, 60, 70);
  x.w[static_cast<size_t>(7 * x.k + 69)] = kInf;
  x.w[static_cast<size_t>(50 * x.k)] = kNan;
  x.w[static_cast<size_t>(51 * x.k)] = std::numeric_limits<float>::max();
  x.w[static_cast<size_t>(51 * x.k + 1)] = std::numeric_limits<float>::lowest();
  for (const bool int8 : {true, false}) {
    int8 ? multiply(x.args(), pack_int8(x)) : multiply(x.args(), pack_int4(x));
    for (int64_t i = 0; i < x.m; ++i) {
      for (int64_t j = 0; j < x.n; ++j)
        ASSERT_EQ(std::isnan(x.c_at(i, j)), j == 7 || j == 50) << i << " " << j;
    }
  }
}

TEST_P(PackedWeightsTest, StoredIntegersGiveTheBitsOfThoseMadeHere) {
  std::mt19937 rng(9);
  Linear x(rng, 3, 50, 96);
  std::vector<int8_t> q(x.w.size());
  std::vector<float> scales;
  std::vector<uint8_t> digits;
  std::vector<uint16_t> scale, least;
  for (int64_t j = 0; j < x.n; ++j) {
    scales.push_back(quantize_column({x.k, x.w.data() + j * x.k, 1, nullptr}, q.data() + j * x.k));
    for (int64_t t = 0; t < x.k; t += kInt4Group) {
      const Int4Fit fit = fit_int4(kInt4Group, x.w.data() + j * x.k + t, 1);
      scale.push_back(static_cast<uint16_t>(fit.header));
      least.push_back(static_cast<uint16_t>(fit.header >> 16));
      for (int64_t i = 0; i < kInt4Group; i += 2)
        digits.push_back(static_cast<uint8_t>(fit.digits[i] | fit.digits[i + 1] << 4));
    }
  }
  const auto expect_same = [&](const auto& made, const auto& stored) {
    const std::vector<float> a = unpacked(made), b = unpacked(stored);
    EXPECT_EQ(a, b);
  };
  expect_same(pack_int8(x),
              pack_weights_int8(Int8Weights{
                  .k = x.k, .n = x.n, .b = q.data(), .b_row = 1, .b_col = x.k, .scales = scales.data()}));
  expect_same(
      pack_int4(x),
      pack_weights_int4(Int4Weights{
          .k = x.k, .n = x.n, .digits = digits.data(), .scale = scale.data(), .least = least.data()}));
}

TEST_P(PackedWeightsTest, TakeEightAndFiveBitsAnElement) {
  std::mt19937 rng(8);
  Linear x(rng, 1, 96, 64);
  EXPECT_EQ(pack_int8(x).bytes(), 96 * 64 + 96 * 4);
  EXPECT_EQ(pack_int4(x).bytes(), 96 * 64 * 5 / 8);
  EXPECT_EQ(pack_int4(x).isa(), GetParam().isa);
}

}  // namespace
}  // namespace calque::kernels
