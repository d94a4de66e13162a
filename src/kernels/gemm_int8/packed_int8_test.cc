#include "kernels/gemm_int8/packed_int8.h"

#include <algorithm>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_words/test_support.h"

namespace calque::kernels {
namespace {

class PackedInt8Test : public VariantTest {};
INSTANTIATE_TEST_SUITE_P(Isa, PackedInt8Test, ::testing::ValuesIn(variants({.bytes = true})), variant_name);

struct Row {
  float scale = 0;
  int64_t zero_point = 0;
  std::vector<int64_t> q;
};

// Row i of A, by the text of row_scale().
Row quantized_row(const Linear& x, int64_t i, const float* factors = nullptr) {
  std::vector<float> values;
  for (int64_t t = 0; t < x.k; ++t)
    values.push_back(factors == nullptr ? x.a_at(i, t) : x.a_at(i, t) * factors[t]);
  float low = 0, high = 0;
  for (const float value : values) low = std::min(low, value), high = std::max(high, value);
  Row row;
  row.scale = std::max(high / 255.0F - low / 255.0F, std::numeric_limits<float>::min());
  const float inverse = 1.0F / row.scale;
  row.zero_point = std::lrint(-low * inverse);
  for (const float value : values) {
    const int64_t q = std::lrint(value * inverse) + row.zero_point;
    row.q.push_back(std::clamp<int64_t>(q, 0, 255));
  }
  return row;
}

struct Columns {
  explicit Columns(const Linear& x, const float* factors = nullptr) : k(x.k) {
    for (int64_t j = 0; j < x.n; ++j) {
      float greatest = 0;
      const auto w = [&](int64_t t) { return factors == nullptr ? x.w_at(j, t) : x.w_at(j, t) / factors[t]; };
      for (int64_t t = 0; t < k; ++t) greatest = std::max(greatest, std::abs(w(t)));
      scales.push_back(greatest / 127);
      for (int64_t t = 0; t < k; ++t) q.push_back(static_cast<int8_t>(std::lrint(w(t) / scales.back())));
    }
  }
  int64_t k;
  std::vector<float> scales;
  std::vector<int8_t> q;
};

float wanted_at(const Linear& x, const Row& row, const Columns& columns, int64_t j, bool with_bias) {
  int64_t sum = 0;
  for (int64_t t = 0; t < x.k; ++t) {
    sum += (row.q[static_cast<size_t>(t)] - row.zero_point) * columns.q[static_cast<size_t>(j * x.k + t)];
  }
  const float bias = with_bias ? x.bias[static_cast<size_t>(j)] : 0.0F;
  return std::fma(static_cast<float>(sum), row.scale * columns.scales[static_cast<size_t>(j)], bias);
}

void check_exact(Linear& x, const Columns& columns, const PackedInt8& packed, const float* factors = nullptr,
                 bool with_bias = true) {
  GemmPackedArgs args = x.args();
  args.bias = with_bias ? x.bias.data() : nullptr;
  gemm_packed_int8(args, packed);
  const int64_t step = (x.m * x.n * x.k / 1000000) | 1;
  for (int64_t i = 0; i < x.m; ++i) {
    const Row row = quantized_row(x, i, factors);
    for (int64_t j = i % step; j < x.n; j += step) {
      ASSERT_EQ(x.c_at(i, j), wanted_at(x, row, columns, j, with_bias))
          << "m " << x.m << " n " << x.n << " k " << x.k << " at " << i << ", " << j;
    }
  }
  x.expect_guards();
}

PackedInt8 pack(const Linear& x) { return pack_int8_weights(x.k, x.n, x.w.data(), 1, x.k); }

TEST_P(PackedInt8Test, EdgeSizesAreExactSumsRoundedOnce) {
  std::mt19937 rng(1);
  for (const int64_t m : {0, 1, 2, 5, 7, 8, 9, 17}) {
    for (const int64_t n : {0, 1, 7, 8, 16, 17, 33, 47, 48, 49, 100}) {
      for (const int64_t k : {0, 1, 2, 3, 4, 5, 16, 31, 33, 64}) {
        Linear x(rng, m, n, k);
        check_exact(x, Columns(x), pack(x), nullptr, m % 2 == 0);
      }
    }
  }
}

TEST_P(PackedInt8Test, RandomCasesAreExactSumsRoundedOnce) {
  std::mt19937 rng(2);
  for (int round = 0; round < 40; ++round) {
    Linear x(rng, random_size(rng, 1, 90), random_size(rng, 1, 160), random_size(rng, 0, 1200),
             random_size(rng, 1, 3));
    check_exact(x, Columns(x), pack(x));
  }
}

TEST_P(PackedInt8Test, LargeCasesTakeEveryRoad) {
  std::mt19937 rng(3);
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{700, 97, 3072}, {1, 2000, 1000}, {2000, 2, 4000}}) {
    Linear x(rng, m, n, k);
    check_exact(x, Columns(x), pack(x));
  }
}

TEST_P(PackedInt8Test, TakesGivenIntegers) {
  std::mt19937 rng(4);
  Linear x(rng, 9, 70, 133);
  Columns columns(x);
  for (int8_t& q : columns.q) q = static_cast<int8_t>(random_size(rng, -128, 127));
  check_exact(x, columns,
              pack_int8_weights(Int8Weights{.k = x.k,
                                            .n = x.n,
                                            .b = columns.q.data(),
                                            .b_row = 1,
                                            .b_col = x.k,
                                            .scales = columns.scales.data()}));
}

TEST_P(PackedInt8Test, FactorsMoveFromWeightsToActivations) {
  std::mt19937 rng(5);
  Linear x(rng, 11, 60, 150);
  std::vector<float> factors = random_floats(rng, x.k);
  for (float& factor : factors) factor = std::abs(factor) + 0.1F;
  const PackedInt8 packed = pack_int8_weights(
      FloatWeights{.k = x.k, .n = x.n, .b = x.w.data(), .b_row = 1, .b_col = x.k, .factors = factors.data()});
  check_exact(x, Columns(x, factors.data()), packed, factors.data());
}

TEST_P(PackedInt8Test, EpilogueMatchesSteps) {
  std::mt19937 rng(6);
  for (int kind = 0; kind <= static_cast<int>(Activation::kQuickGelu); ++kind) {
    Linear x(rng, 21, 75, 90);
    const Columns columns(x);
    GemmPackedArgs args = x.args();
    args.bias = x.bias.data();
    args.activation = static_cast<Activation>(kind);
    args.residual = x.residual.data();
    args.residual_row = x.residual_row;
    gemm_packed_int8(args, pack(x));
    for (int64_t i = 0; i < x.m; ++i) {
      const Row row = quantized_row(x, i);
      for (int64_t j = 0; j < x.n; ++j) {
        const double sum = static_cast<double>(wanted_at(x, row, columns, j, true));
        const double wanted = activated(args.activation, sum) + static_cast<double>(x.residual_at(i, j));
        ASSERT_NEAR(x.c_at(i, j), wanted, 1e-6 * (std::abs(sum) + 2) + coarseness(args.activation)) << kind;
      }
    }
    x.expect_guards();
  }
}

TEST_P(PackedInt8Test, RowsStandAlone) {
  std::mt19937 rng(7);
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{37, 150, 801}, {130, 2, 900}, {3, 700, 256}}) {
    Linear x(rng, m, n, k);
    const PackedInt8 packed = pack(x);
    expect_rows_stand_alone(x, [&](const GemmPackedArgs& args) { gemm_packed_int8(args, packed); });
  }
}

TEST_P(PackedInt8Test, LargestSumsDoNotWrap) {
  const int64_t k = kMaxInt8Depth;
  const std::vector<int8_t> w(static_cast<size_t>(k), -128);
  const float scale = 1;
  const PackedInt8 packed =
      pack_int8_weights(Int8Weights{.k = k, .n = 1, .b = w.data(), .b_row = 1, .b_col = k, .scales = &scale});
  const std::vector<float> positive(static_cast<size_t>(k), 255.0F),
      negative(static_cast<size_t>(k), -255.0F);
  float c = 0;
  gemm_packed_int8({.m = 1, .a = positive.data(), .c = &c}, packed);
  EXPECT_EQ(c, -255.0F * 128.0F * static_cast<float>(k));
  gemm_packed_int8({.m = 1, .a = negative.data(), .c = &c}, packed);
  EXPECT_EQ(c, 255.0F * 128.0F * static_cast<float>(k));
}

TEST_P(PackedInt8Test, PairsOfProductsDoNotSaturate) {
  std::mt19937 rng(8);
  Linear x(rng, 3, 20, 64);
  std::fill(x.a.begin(), x.a.end(), 3.0F);
  std::fill(x.w.begin(), x.w.end(), 1.0F);
  gemm_packed_int8(x.args(), pack(x));
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) ASSERT_NEAR(x.c_at(i, j), 192, 1e-3);
  }
}

TEST_P(PackedInt8Test, RowsThatAreNotFiniteGiveNan) {
  std::mt19937 rng(9);
  Linear x(rng, 20, 50, 67);
  x.a[static_cast<size_t>(3 * x.a_row + 66)] = kNan;
  x.a[static_cast<size_t>(5 * x.a_row + 1)] = kInf;
  x.a[static_cast<size_t>(6 * x.a_row)] = -kInf;
  std::fill_n(x.a.data() + 8 * x.a_row, x.k, 0.0F);
  gemm_packed_int8(x.args(), pack(x));
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) {
      ASSERT_EQ(std::isnan(x.c_at(i, j)), i == 3 || i == 5 || i == 6) << i;
      ASSERT_TRUE(i != 8 || x.c_at(i, j) == 0.0F);
    }
  }
}

TEST_P(PackedInt8Test, ExtremeRangesStayFinite) {
  const float greatest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  const std::vector<float> a = {greatest, -greatest, greatest, -greatest, least, -least, least, 0};
  const std::vector<float> w = {1e-3F, 1e-3F, 1e-3F, 0};
  std::vector<float> c(2);
  gemm_packed_int8({.m = 2, .a = a.data(), .a_row = 4, .c = c.data(), .c_row = 1},
                   pack_int8_weights(4, 1, w.data(), 1, 4));
  EXPECT_NEAR(c[0] / greatest, 1e-3, 2e-5);
  EXPECT_NEAR(c[1], 0, 1e-37);
}

TEST_P(PackedInt8Test, WeightsThatAreNotFiniteGiveNanInTheirColumn) {
  std::mt19937 rng(10);
  Linear x(rng, 4, 20, 30);
  x.w[static_cast<size_t>(7 * x.k + 3)] = kInf;
  std::fill_n(x.w.data() + 9 * x.k, x.k, 0.0F);
  gemm_packed_int8(x.args(), pack(x));
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) ASSERT_EQ(std::isnan(x.c_at(i, j)), j == 7);
    ASSERT_EQ(x.c_at(i, 9), 0.0F);
  }
}

TEST_P(PackedInt8Test, IsNearTheProductOfFloats) {
  std::mt19937 rng(11);
  Linear x(rng, 16, 64, 768);
  const PackedInt8 packed = pack(x);
  gemm_packed_int8(x.args(), packed);
  double error = 0, size = 0;
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) {
      double wanted = 0;
      for (int64_t t = 0; t < x.k; ++t) {
        wanted += static_cast<double>(x.a_at(i, t)) * static_cast<double>(x.w_at(j, t));
      }
      error += std::pow(static_cast<double>(x.c_at(i, j)) - wanted, 2);
      size += wanted * wanted;
    }
  }
  EXPECT_LT(std::sqrt(error / size), 0.01);
  EXPECT_EQ(packed.bytes(), 64 * 768 + 64 * 8);
  EXPECT_EQ(packed.isa(), GetParam().isa);
}

}  // namespace
}  // namespace calque::kernels
