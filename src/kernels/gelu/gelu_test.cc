#include "kernels/gelu/gelu.h"

#include "kernels/registry.h"
#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class Gelu : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, Gelu, kAllIsas, isa_test_name);

double exact(double x) { return x / 2 * (1 + std::erf(x * std::sqrt(0.5))); }

double exact_tanh(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

std::vector<float> inputs() {
  std::vector<float> x = {0.0F, -0.0F, 1e-30F, -1e-30F, 1e-45F, 20, -20, 100, -100, 1e10F, -1e10F};
  for (float value = -12; value < 12; value += 0.00037F) x.push_back(value);
  return x;
}

// The error is that of 1 + erf in float32: half a unit of 1, times |x|.
TEST_P(Gelu, MatchesExactValues) {
  const std::vector<float> x = inputs();
  const auto n = static_cast<int64_t>(x.size());
  std::vector<float> y(x.size()), y_tanh(x.size());
  gelu(n, x.data(), y.data());
  gelu_tanh(n, x.data(), y_tanh.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const auto v = static_cast<double>(x[i]);
    const double bound = 2e-45 + std::min(std::abs(v), 6.0) * 2e-7 + (v > 0 ? v * 2e-7 : 0);
    ASSERT_NEAR(y[i], exact(v), bound) << v;
    ASSERT_NEAR(y_tanh[i], exact_tanh(v), bound) << v;
  }
}

TEST_P(Gelu, CoarseFormsAreNearExactValues) {
  const std::vector<float> x = inputs();
  const auto n = static_cast<int64_t>(x.size());
  std::vector<float> y(x.size()), y_tanh(x.size());
  const GeluKernels& kernels = *active_kernels().gelu;
  kernels.coarse_gelu(n, x.data(), y.data());
  kernels.coarse_gelu_tanh(n, x.data(), y_tanh.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const auto v = static_cast<double>(x[i]);
    const double bound = 2e-45 + std::min(2e-5, 3e-4 * std::abs(v)) + (v > 0 ? v * 2e-7 : 0);
    ASSERT_NEAR(y[i], exact(v), bound) << v;
    ASSERT_NEAR(y_tanh[i], exact_tanh(v), bound) << v;
  }
  const float special[] = {kNan, kInf, -kInf};
  for (const auto run : {kernels.coarse_gelu, kernels.coarse_gelu_tanh}) {
    float out[3];
    run(3, special, out);
    EXPECT_TRUE(std::isnan(out[0]));
    EXPECT_EQ(out[1], kInf);
    EXPECT_EQ(out[2], 0.0F);
  }
}

TEST_P(Gelu, SpecialValuesAsInPyTorch) {
  const float x[] = {kNan, kInf, -kInf};
  float y[3], y_tanh[3];
  gelu(3, x, y);
  gelu_tanh(3, x, y_tanh);
  for (const float* out : {y, y_tanh}) {
    EXPECT_TRUE(std::isnan(out[0]));
    EXPECT_EQ(out[1], kInf);
    EXPECT_TRUE(std::isnan(out[2]));  // -inf * 0
  }
}

TEST_P(Gelu, TailsAndInPlace) {
  std::mt19937 rng(1);
  const std::vector<float> x = random_floats(rng, 64, 4.0F);
  std::vector<float> all(64);
  gelu(64, x.data(), all.data());
  for (int64_t n = 0; n < 64; ++n) {
    std::vector<float> some = x;
    gelu(n, some.data(), some.data());
    for (size_t i = 0; i < 64; ++i) ASSERT_EQ(some[i], static_cast<int64_t>(i) < n ? all[i] : x[i]);
  }
}

}  // namespace
}  // namespace calque::kernels
