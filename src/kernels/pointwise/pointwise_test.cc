#include "kernels/pointwise/pointwise.h"

#include <bit>

#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class Pointwise : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, Pointwise, kAllIsas, isa_test_name);

double exact(Unary op, double x) {
  switch (op) {
    case Unary::kExp:
      return std::exp(x);
    case Unary::kTanh:
      return std::tanh(x);
    case Unary::kErf:
      return std::erf(x);
    case Unary::kRelu:
      return x < 0 ? 0 : x;
    case Unary::kSilu:
      return x / (1 + std::exp(-x));
    case Unary::kQuickGelu:
      return x / (1 + std::exp(-1.702 * x));
  }
  return 0;
}

// Bit patterns a prime apart go through every sign, exponent and kind.
std::vector<float> floats_of_all_kinds() {
  std::vector<float> x;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 5003)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (const float value : {0.0F, -0.0F, kInf, -kInf, kNan, 88.72283F, 88.72284F, -87.33655F, -103.97F,
                            -103.98F, 0.6F, 1.0F, 4.0F, 1e-45F, -1e-45F, 3.4e38F, -3.4e38F}) {
    x.push_back(value);
  }
  for (float value = -20; value < 20; value += 0.0003F) x.push_back(value);
  return x;
}

TEST_P(Pointwise, UnaryIsWithinThreeUlp) {
  const std::vector<float> x = floats_of_all_kinds();
  std::vector<float> y(x.size());
  for (const Unary op : {Unary::kExp, Unary::kTanh, Unary::kErf, Unary::kRelu}) {
    unary(op, static_cast<int64_t>(x.size()), x.data(), y.data());
    double worst = 0;
    float at = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = ulp_error(y[i], exact(op, static_cast<double>(x[i])));
      if (error > worst) worst = error, at = x[i];
    }
    EXPECT_LE(worst, 3.0) << "operation " << static_cast<int>(op) << " at " << at;
    RecordProperty("worst_ulp_" + std::to_string(static_cast<int>(op)), std::to_string(worst));
  }
}

// The rounding of 1.702 x, and of e^x near its end, is that of the formula.
TEST_P(Pointwise, GatesAreNearTheirFormula) {
  std::vector<float> x;
  for (float value = -50; value < 90; value += 0.001F) x.push_back(value);
  x.push_back(kNan);
  x.push_back(kInf);
  std::vector<float> y(x.size());
  for (const Unary op : {Unary::kSilu, Unary::kQuickGelu}) {
    unary(op, static_cast<int64_t>(x.size()), x.data(), y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double wanted = exact(op, static_cast<double>(x[i]));
      if (std::isnan(x[i])) {
        ASSERT_TRUE(std::isnan(y[i]));
      } else if (std::isinf(x[i])) {
        ASSERT_EQ(y[i], kInf);
      } else {
        const double rounding = 0x1p-24 * (4 + 2 * std::abs(static_cast<double>(x[i])));
        ASSERT_NEAR(y[i], wanted, rounding * std::abs(wanted)) << x[i];
      }
    }
  }
}

TEST_P(Pointwise, UnaryDoesNotDependOnPosition) {
  std::mt19937 rng(1);
  const std::vector<float> x = random_floats(rng, 100, 3.0F);
  for (const Unary op :
       {Unary::kExp, Unary::kTanh, Unary::kErf, Unary::kRelu, Unary::kSilu, Unary::kQuickGelu}) {
    std::vector<float> all(x.size());
    unary(op, 100, x.data(), all.data());
    for (int64_t n = 0; n <= 40; ++n) {
      std::vector<float> some(static_cast<size_t>(n) + 1, 77.0F);
      unary(op, n, x.data() + 7, some.data());
      for (int64_t i = 0; i < n; ++i)
        ASSERT_EQ(some[static_cast<size_t>(i)], all[static_cast<size_t>(7 + i)]);
      ASSERT_EQ(some.back(), 77.0F) << "wrote past the end";
    }
    std::vector<float> in_place = x;
    unary(op, 100, in_place.data(), in_place.data());
    EXPECT_EQ(in_place, all);
  }
}

float apply(Binary op, float a, float b) {
  switch (op) {
    case Binary::kAdd:
      return a + b;
    case Binary::kSub:
      return a - b;
    case Binary::kMul:
      return a * b;
    case Binary::kDiv:
      return a / b;
  }
  return 0;
}

TEST_P(Pointwise, BinaryBroadcastsExactly) {
  std::mt19937 rng(2);
  for (int round = 0; round < 300; ++round) {
    const int64_t rows = random_size(rng, 1, 9), cols = random_size(rng, 0, 70);
    const auto op = static_cast<Binary>(round % 4);
    const int64_t a_col = round % 3 == 0 ? 0 : 1, b_col = round % 5 == 0 ? 0 : 1;
    const int64_t a_row = random_size(rng, 0, 2) * cols, b_row = random_size(rng, 0, 1) * (cols + 3);
    const int64_t out_row = cols + random_size(rng, 0, 1) * 2;
    const std::vector<float> a = random_floats(rng, rows * (2 * cols + 3) + 1),
                             b = random_floats(rng, rows * (cols + 3) + 1);
    std::vector<float> out(static_cast<size_t>(rows * out_row + 1), 77.0F);
    binary(op, {.rows = rows,
                .cols = cols,
                .a = a.data(),
                .a_row = a_row,
                .a_col = a_col,
                .b = b.data(),
                .b_row = b_row,
                .b_col = b_col,
                .out = out.data(),
                .out_row = out_row});
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols; ++c) {
        ASSERT_EQ(out[static_cast<size_t>(r * out_row + c)],
                  apply(op, a[static_cast<size_t>(r * a_row + c * a_col)],
                        b[static_cast<size_t>(r * b_row + c * b_col)]));
      }
      for (int64_t c = cols; c < out_row; ++c) ASSERT_EQ(out[static_cast<size_t>(r * out_row + c)], 77.0F);
    }
    ASSERT_EQ(out.back(), 77.0F);
  }
}

TEST_P(Pointwise, LongTensorsSplit) {
  std::mt19937 rng(3);
  const int64_t n = 100001;
  std::vector<float> a = random_floats(rng, n);
  const std::vector<float> b = random_floats(rng, n), before = a;
  binary(Binary::kAdd, {.cols = n, .a = a.data(), .b = b.data(), .out = a.data()});
  for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], before[i] + b[i]);
}

TEST_P(Pointwise, DivisionAndSpecialValues) {
  const float a[] = {1, -1, 0, kNan, kInf, 1};
  const float b[] = {0, 0, 0, 1, kInf, kNan};
  float out[6];
  binary(Binary::kDiv, {.cols = 6, .a = a, .b = b, .out = out});
  EXPECT_EQ(out[0], kInf);
  EXPECT_EQ(out[1], -kInf);
  for (int i = 2; i < 6; ++i) EXPECT_TRUE(std::isnan(out[i])) << i;
}

}  // namespace
}  // namespace calque::kernels
