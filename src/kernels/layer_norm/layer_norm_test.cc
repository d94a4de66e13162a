#include "kernels/layer_norm/layer_norm.h"

#include <algorithm>
#include <cstring>

#include "calque/threads.h"
#include "kernels/layer_norm/rms_norm.h"
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

TEST_P(LayerNorm, RowsWhoseSquaresOverflow) {
  std::mt19937 rng(6);
  for (const float size : {1e15F, 1e18F, 3e18F, 1e19F, 1e20F, 1e30F, 3e37F}) {
    for (const int64_t cols : {2, 5, 16, 37, 64, 384, 768}) {
      const std::vector<float> x = random_floats(rng, cols, size), weight = random_floats(rng, cols);
      const std::vector<double> wanted = exact(x.data(), cols, 1e-5);
      std::vector<float> y = x, sum(x.size());
      layer_norm_rows({.rows = 1, .cols = cols, .x = y.data(), .weight = weight.data(), .y = y.data()});
      std::vector<float> half(x.size()), added(x.size());
      for (size_t i = 0; i < x.size(); ++i) half[i] = x[i] / 2;
      layer_norm_rows({.rows = 1,
                       .cols = cols,
                       .x = half.data(),
                       .weight = weight.data(),
                       .y = added.data(),
                       .residual = half.data(),
                       .sum = sum.data()});
      EXPECT_EQ(sum, x);
      EXPECT_EQ(added, y);
      for (size_t i = 0; i < x.size(); ++i)
        ASSERT_NEAR(y[i], wanted[i] * static_cast<double>(weight[i]), 2e-6 * (1 + std::abs(wanted[i])))
            << size << " " << cols;
    }
  }
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

std::vector<double> exact_rms(const float* x, int64_t n, double eps) {
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += std::pow(static_cast<double>(x[i]), 2) / static_cast<double>(n);
  std::vector<double> y;
  for (int64_t i = 0; i < n; ++i) y.push_back(static_cast<double>(x[i]) / std::sqrt(squares + eps));
  return y;
}

constexpr float kGuard = 77.0F;

// Rows of x + residual through `norm`: values, the sum, what lies between rows, and no dependence on other
// rows.
template <class Args>
void check_residual(std::mt19937& rng, void (*norm)(const Args&),
                    std::vector<double> (*exact_values)(const float*, int64_t, double)) {
  const int64_t rows = random_size(rng, 1, 6), cols = random_size(rng, 2, 900);
  const int64_t x_row = cols + random_size(rng, 0, 3), y_row = cols + random_size(rng, 0, 3);
  const int64_t residual_row = random_size(rng, 0, 1) * (cols + 2), sum_row = cols + random_size(rng, 0, 3);
  std::vector<float> x = random_floats(rng, rows * x_row, 2.0F);
  const std::vector<float> residual = random_floats(rng, rows * (cols + 2)),
                           weight = random_floats(rng, cols);
  std::vector<float> y(static_cast<size_t>(rows * y_row), kGuard),
      sum(static_cast<size_t>(rows * sum_row), kGuard);
  Args args{};
  args.rows = rows;
  args.cols = cols;
  args.x = x.data();
  args.x_row = x_row;
  args.weight = weight.data();
  args.eps = 1e-6F;
  args.y = y.data();
  args.y_row = y_row;
  args.residual = residual.data();
  args.residual_row = residual_row;
  args.sum = sum.data();
  args.sum_row = sum_row;
  norm(args);
  for (int64_t r = 0; r < rows; ++r) {
    std::vector<float> added(static_cast<size_t>(cols));
    for (int64_t c = 0; c < cols; ++c) {
      added[static_cast<size_t>(c)] =
          x[static_cast<size_t>(r * x_row + c)] + residual[static_cast<size_t>(r * residual_row + c)];
    }
    ASSERT_TRUE(std::equal(added.begin(), added.end(), sum.begin() + r * sum_row));
    const std::vector<double> normal = exact_values(added.data(), cols, 1e-6);
    for (int64_t c = 0; c < cols; ++c) {
      const double wanted = normal[static_cast<size_t>(c)];
      const auto factor = static_cast<double>(weight[static_cast<size_t>(c)]);
      ASSERT_NEAR(
          y[static_cast<size_t>(r * y_row + c)], wanted * factor,
          (8 + std::log2(static_cast<double>(cols))) * 0x1p-24 * (1 + std::abs(wanted)) * std::abs(factor));
    }
    for (int64_t c = cols; c < y_row; ++c) ASSERT_EQ(y[static_cast<size_t>(r * y_row + c)], kGuard);
    for (int64_t c = cols; c < sum_row; ++c) ASSERT_EQ(sum[static_cast<size_t>(r * sum_row + c)], kGuard);
  }
  const std::vector<float> together = y;
  for (int64_t r = 0; r < rows; ++r) {
    Args one = args;
    one.rows = 1;
    one.x += r * x_row;
    one.residual += r * residual_row;
    one.y += r * y_row;
    one.sum = nullptr;
    norm(one);
  }
  ASSERT_EQ(std::memcmp(y.data(), together.data(), y.size() * sizeof(float)), 0);
  args.sum = x.data();
  args.sum_row = x_row;
  norm(args);
  ASSERT_EQ(std::memcmp(y.data(), together.data(), y.size() * sizeof(float)), 0);
  for (int64_t r = 0; r < rows; ++r) {
    ASSERT_TRUE(std::equal(x.begin() + r * x_row, x.begin() + r * x_row + cols, sum.begin() + r * sum_row));
  }
}

TEST_P(LayerNorm, ResidualIsAddedAndKept) {
  std::mt19937 rng(3);
  for (int round = 0; round < 100; ++round) {
    check_residual<LayerNormArgs>(rng, layer_norm_rows, exact);
    if (HasFatalFailure()) return;
    check_residual<RmsNormArgs>(rng, rms_norm_rows, exact_rms);
    if (HasFatalFailure()) return;
  }
}

TEST_P(LayerNorm, RmsInPlaceWithoutResidual) {
  std::mt19937 rng(4);
  for (const int64_t cols : {1, 16, 63, 64, 65, 768}) {
    std::vector<float> x = random_floats(rng, cols, 3.0F);
    const std::vector<double> wanted = exact_rms(x.data(), cols, 1e-6);
    rms_norm_rows({.rows = 1, .cols = cols, .x = x.data(), .y = x.data()});
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], wanted[i], 20 * 0x1p-24 * std::abs(wanted[i]));
  }
  std::vector<float> x = {1, kNan, 2}, y(3);
  rms_norm_rows({.rows = 1, .cols = 3, .x = x.data(), .y = y.data()});
  for (const float value : y) EXPECT_TRUE(std::isnan(value));
  rms_norm_rows({.rows = 2, .cols = 0});
}

TEST_P(LayerNorm, ThreadsChangeNoBit) {
  std::mt19937 rng(5);
  const int64_t rows = 300, cols = 384;
  const std::vector<float> x = random_floats(rng, rows * cols), residual = random_floats(rng, rows * cols);
  std::vector<float> wanted(x.size()), y(x.size());
  const int before = get_num_threads();
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    layer_norm_rows({.rows = rows,
                     .cols = cols,
                     .x = x.data(),
                     .x_row = cols,
                     .y = threads == 1 ? wanted.data() : y.data(),
                     .y_row = cols,
                     .residual = residual.data(),
                     .residual_row = cols});
  }
  set_num_threads(before);
  EXPECT_EQ(y, wanted);
}

}  // namespace
}  // namespace calque::kernels
