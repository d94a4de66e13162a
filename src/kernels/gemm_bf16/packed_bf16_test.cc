#include "kernels/gemm_bf16/packed_bf16.h"

#include "kernels/gemm_words/test_support.h"

namespace calque::kernels {
namespace {

class PackedBf16Test : public VariantTest {};
INSTANTIATE_TEST_SUITE_P(Isa, PackedBf16Test, ::testing::ValuesIn(variants({.bf16 = true})), variant_name);

// To the nearest of 8 significant bits, halves to even.
double bf16(float x) {
  int exponent = 0;
  const double mantissa = std::frexp(static_cast<double>(x), &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
}

struct Sum {
  double value = 0;
  double magnitude = 0;
};

// The rounded operands of a product.
class Rounded {
 public:
  explicit Rounded(const Linear& x) : k_(x.k) {
    for (int64_t i = 0; i < x.m; ++i) {
      for (int64_t t = 0; t < k_; ++t) a_.push_back(bf16(x.a_at(i, t)));
    }
    for (int64_t j = 0; j < x.n; ++j) {
      for (int64_t t = 0; t < k_; ++t) w_.push_back(bf16(x.w_at(j, t)));
    }
  }

  Sum exact(int64_t i, int64_t j) const {
    Sum sum;
    for (int64_t t = 0; t < k_; ++t) {
      const double term = a_[static_cast<size_t>(i * k_ + t)] * w_[static_cast<size_t>(j * k_ + t)];
      sum.value += term;
      sum.magnitude += std::abs(term);
    }
    return sum;
  }

 private:
  int64_t k_;
  std::vector<double> a_, w_;
};

// The rounding of a sum in order, several times its usual size and far below its bound.
double tolerance(int64_t k, double magnitude) {
  return 4 * std::sqrt(static_cast<double>(k) + 4) * 0x1p-24 * (magnitude + 2);
}

void check_case(Linear& x, bool with_bias, Activation activation, bool with_residual) {
  const PackedBf16 packed = pack_bf16(x.k, x.n, x.w.data(), 1, x.k);
  GemmPackedArgs args = x.args();
  args.bias = with_bias ? x.bias.data() : nullptr;
  args.activation = activation;
  args.residual = with_residual ? x.residual.data() : nullptr;
  args.residual_row = x.residual_row;
  gemm_packed_bf16(args, packed);
  const Rounded rounded(x);
  const int64_t step = (x.m * x.n * x.k / 1000000) | 1;
  for (int64_t at = 0; at < x.m * x.n; at += step) {
    const int64_t i = at / x.n, j = at % x.n;
    const Sum sum = rounded.exact(i, j);
    double wanted = sum.value + (with_bias ? static_cast<double>(x.bias[static_cast<size_t>(j)]) : 0);
    wanted = activated(activation, wanted) + (with_residual ? static_cast<double>(x.residual_at(i, j)) : 0);
    ASSERT_NEAR(x.c_at(i, j), wanted, tolerance(x.k, sum.magnitude) + coarseness(activation))
        << "m " << x.m << " n " << x.n << " k " << x.k << " at " << i << ", " << j;
  }
  x.expect_guards();
}

TEST_P(PackedBf16Test, EdgeSizesAreSumsOfRoundedInputs) {
  std::mt19937 rng(1);
  for (const int64_t m : {0, 1, 2, 5, 7, 8, 9, 17}) {
    for (const int64_t n : {0, 1, 7, 8, 16, 17, 33, 47, 48, 49, 100}) {
      for (const int64_t k : {0, 1, 2, 3, 16, 31, 33, 64}) {
        Linear x(rng, m, n, k);
        check_case(x, m % 2 == 0, Activation::kNone, false);
      }
    }
  }
}

TEST_P(PackedBf16Test, RandomCasesAreSumsOfRoundedInputs) {
  std::mt19937 rng(2);
  for (int round = 0; round < 60; ++round) {
    const int64_t m = random_size(rng, 1, 90), n = random_size(rng, 1, 160), k = random_size(rng, 0, 1200);
    Linear x(rng, m, n, k, random_size(rng, 1, 3));
    check_case(x, round % 2 == 0, static_cast<Activation>(round % 7), round % 3 == 0);
  }
}

TEST_P(PackedBf16Test, LargeCasesTakeEveryRoad) {
  std::mt19937 rng(3);
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{700, 97, 3072}, {1, 2000, 1000}, {300, 2, 700}}) {
    Linear x(rng, m, n, k);
    check_case(x, true, Activation::kNone, true);
  }
}

TEST_P(PackedBf16Test, RowsStandAlone) {
  std::mt19937 rng(4);
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{37, 150, 801}, {130, 2, 900}, {3, 700, 256}}) {
    Linear x(rng, m, n, k);
    const PackedBf16 packed = pack_bf16(k, n, x.w.data(), 1, k);
    expect_rows_stand_alone(x, [&](const GemmPackedArgs& args) { gemm_packed_bf16(args, packed); });
  }
}

TEST_P(PackedBf16Test, RoundsToNearestEven) {
  // Of the neighbours 1 and 1 + 2^-7; the last are beyond the middle, or take the next even one.
  const std::vector<float> a = {1.0F + 0x1p-8F, 1.0F + 0x1p-8F + 0x1p-23F, 1.0F + 0x3p-8F, -1.0F - 0x1p-8F};
  const std::vector<float> wanted = {1.0F, 1.0F + 0x1p-7F, 1.0F + 0x1p-6F, -1.0F};
  const float one = 1;
  const PackedBf16 unit = pack_bf16(1, 1, &one, 1, 1);
  std::vector<float> c(4);
  gemm_packed_bf16({.m = 4, .a = a.data(), .a_row = 1, .c = c.data(), .c_row = 1}, unit);
  EXPECT_EQ(c, wanted);
  const PackedBf16 packed = pack_bf16(1, 4, a.data(), 4, 1);
  gemm_packed_bf16({.m = 1, .a = &one, .a_row = 1, .c = c.data(), .c_row = 4}, packed);
  EXPECT_EQ(c, wanted);
}

TEST_P(PackedBf16Test, SpecialValuesStayInTheirRow) {
  std::mt19937 rng(5);
  Linear x(rng, 20, 50, 67);
  x.a[static_cast<size_t>(3 * x.a_row + 66)] = kNan;
  x.a[static_cast<size_t>(5 * x.a_row + 1)] = kInf;
  const PackedBf16 packed = pack_bf16(x.k, x.n, x.w.data(), 1, x.k);
  gemm_packed_bf16(x.args(), packed);
  for (int64_t i = 0; i < x.m; ++i) {
    for (int64_t j = 0; j < x.n; ++j) {
      if (i == 3) {
        EXPECT_TRUE(std::isnan(x.c_at(i, j)));
      } else if (i == 5) {
        EXPECT_EQ(x.c_at(i, j), x.w_at(j, 1) > 0 ? kInf : -kInf);
      } else {
        EXPECT_TRUE(std::isfinite(x.c_at(i, j)));
      }
    }
  }
}

TEST_P(PackedBf16Test, TakesHalfOfTheMemory) {
  const std::vector<float> w(static_cast<size_t>(96 * 64), 1.0F);
  const PackedBf16 packed = pack_bf16(64, 96, w.data(), 1, 64);
  EXPECT_EQ(packed.bytes(), 96 * 64 * 2);
  EXPECT_EQ(packed.k(), 64);
  EXPECT_EQ(packed.n(), 96);
  EXPECT_EQ(packed.isa(), GetParam().isa);
}

}  // namespace
}  // namespace calque::kernels
