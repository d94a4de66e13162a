#include "kernels/layer_norm/layer_norm.h"

#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class LayerNorm : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, LayerNorm, kAllIsas, isa_test_name);

std::vector<double> exact(const float* x, int64_t n, double eps) {
  double mean = 0;
  for (int64_t i = 0; i < n; ++i) mean += static_cast<double>(x[i]) / static_cast<double>(n);
  double variance = 0;
  for (int64_t i = 0; i < n; ++i)
    variance += std::pow(static_cast<double>(x[i]) - mean, 2) / static_cast<double>(n);
  std::vector<double> y;
  for (int64_t i = 0; i < n; ++i) y.push_back((static_cast<double>(x[i]) - mean) / std::sqrt(variance + eps));
  return y;
}

TEST_P(LayerNorm, MatchesExactValues) {
  std::mt19937 rng(1);
  for (int round = 0; round < 200; ++round) {
    const int64_t rows = random_size(rng, 1, 4), cols = random_size(rng, 1, 900);
    const int64_t x_row = cols + random_size(rng, 0, 3), y_row = cols + random_size(rng, 0, 3);
    std::vector<float> x = random_floats(rng, rows * x_row, 2.0F);
    for (float& value : x) value += static_cast<float>(round % 10);
    const std::vector<float> weight = random_floats(rng, cols), bias = random_floats(rng, cols);
    const bool affine = round % 3 != 0;
    std::vector<float> y(static_cast<size_t>(rows * y_row), 77.0F);
    layer_norm_rows({.rows = rows,
                     .cols = cols,
                     .x = x.data(),
                     .x_row = x_row,
                     .weight = affine ? weight.data() : nullptr,
                     .bias = affine ? bias.data() : nullptr,
                     .eps = 1e-12F,
                     .y = y.data(),
                     .y_row = y_row});
    for (int64_t r = 0; r < rows; ++r) {
      const std::vector<double> normal = exact(x.data() + r * x_row, cols, 1e-12);
      for (int64_t c = 0; c < cols && cols > 1; ++c) {
        const auto i = static_cast<size_t>(c);
        const double wanted =
            affine ? normal[i] * static_cast<double>(weight[i]) + static_cast<double>(bias[i]) : normal[i];
        ASSERT_NEAR(y[static_cast<size_t>(r * y_row + c)], wanted, 2e-6 + std::abs(wanted) * 1e-6) << cols;
      }
      for (int64_t c = cols; c < y_row; ++c) ASSERT_EQ(y[static_cast<size_t>(r * y_row + c)], 77.0F);
    }
  }
}

TEST_P(LayerNorm, RowsFarFromZeroKeepTheirVariance) {
  std::vector<float> x(768), y(768);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 10000.0F + static_cast<float>(i % 7);
  layer_norm_rows({.rows = 1, .cols = 768, .x = x.data(), .y = y.data()});
  const std::vector<double> wanted = exact(x.data(), 768, 1e-5);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(y[i], wanted[i], 1e-5);
}

TEST_P(LayerNorm, ConstantRowsAndNan) {
  std::vector<float> x(37, 3.25F), y(37);
  const std::vector<float> bias(37, 0.5F);
  layer_norm_rows({.rows = 1, .cols = 37, .x = x.data(), .bias = bias.data(), .y = y.data()});
  for (const float value : y) EXPECT_EQ(value, 0.5F);
  for (const float special : {kNan, kInf, -kInf}) {
    x[20] = special;
    layer_norm_rows({.rows = 1, .cols = 37, .x = x.data(), .y = y.data()});
    for (const float value : y) EXPECT_TRUE(std::isnan(value));
  }
}

TEST_P(LayerNorm, InPlaceAndEmpty) {
  std::mt19937 rng(2);
  std::vector<float> x = random_floats(rng, 50), y(50);
  layer_norm_rows({.rows = 1, .cols = 50, .x = x.data(), .y = y.data()});
  layer_norm_rows({.rows = 1, .cols = 50, .x = x.data(), .y = x.data()});
  EXPECT_EQ(x, y);
  layer_norm_rows({.rows = 5, .cols = 0});
  layer_norm_rows({.rows = 0, .cols = 5});
}

}  // namespace
}  // namespace calque::kernels
