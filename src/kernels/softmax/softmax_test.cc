#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <numeric>

#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class Softmax : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, Softmax, kAllIsas, isa_test_name);

std::vector<float> softmax(const std::vector<float>& x) {
  std::vector<float> y(x.size());
  softmax_rows({.rows = 1, .cols = static_cast<int64_t>(x.size()), .x = x.data(), .y = y.data()});
  return y;
}

TEST_P(Softmax, MatchesExactValues) {
  std::mt19937 rng(1);
  for (int round = 0; round < 200; ++round) {
    const int64_t rows = random_size(rng, 1, 5), cols = random_size(rng, 1, 300);
    const int64_t x_row = cols + random_size(rng, 0, 3), y_row = cols + random_size(rng, 0, 3);
    const std::vector<float> x = random_floats(rng, rows * x_row, round % 2 == 0 ? 3.0F : 60.0F);
    std::vector<float> y(static_cast<size_t>(rows * y_row), 77.0F);
    softmax_rows({.rows = rows, .cols = cols, .x = x.data(), .x_row = x_row, .y = y.data(), .y_row = y_row});
    for (int64_t r = 0; r < rows; ++r) {
      const float* in = x.data() + r * x_row;
      const auto max = static_cast<double>(*std::max_element(in, in + cols));
      double sum = 0;
      for (int64_t c = 0; c < cols; ++c) sum += std::exp(static_cast<double>(in[c]) - max);
      for (int64_t c = 0; c < cols; ++c) {
        const double wanted = std::exp(static_cast<double>(in[c]) - max) / sum;
        ASSERT_NEAR(y[static_cast<size_t>(r * y_row + c)], wanted, 3e-45 + wanted * 6e-6);
      }
      for (int64_t c = cols; c < y_row; ++c) ASSERT_EQ(y[static_cast<size_t>(r * y_row + c)], 77.0F);
    }
  }
}

TEST_P(Softmax, SpecialRowsAsInPyTorch) {
  for (const size_t cols : {1, 2, 7, 8, 15, 16, 17, 40}) {
    for (const float value : softmax(std::vector<float>(cols, -kInf))) EXPECT_TRUE(std::isnan(value));
    std::vector<float> row(cols, 1.0F);
    row[cols / 2] = kNan;
    for (const float value : softmax(row)) EXPECT_TRUE(std::isnan(value));
    row[cols / 2] = kInf;
    for (const float value : softmax(row)) EXPECT_TRUE(std::isnan(value));
    row.assign(cols, -kInf);
    row[cols - 1] = -3e38F;
    const std::vector<float> y = softmax(row);
    for (size_t i = 0; i + 1 < cols; ++i) EXPECT_EQ(y[i], 0.0F);
    EXPECT_EQ(y[cols - 1], 1.0F);
  }
}

TEST_P(Softmax, InPlaceAndEmpty) {
  std::mt19937 rng(2);
  std::vector<float> x = random_floats(rng, 33);
  const std::vector<float> y = softmax(x);
  softmax_rows({.rows = 1, .cols = 33, .x = x.data(), .y = x.data()});
  EXPECT_EQ(x, y);
  softmax_rows({.rows = 3, .cols = 0});
  softmax_rows({.rows = 0, .cols = 3});
}

}  // namespace
}  // namespace calque::kernels
