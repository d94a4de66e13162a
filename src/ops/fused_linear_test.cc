#include <gtest/gtest.h>

#include <random>

#include "ops/arithmetic.h"
#include "ops/fused.h"
#include "ops/matmul.h"
#include "tensor/testing.h"

namespace calque::ops {
namespace {

class FusedLinear : public testing::Test {
 protected:
  Tensor random(const Dims& sizes) {
    Tensor out = empty(sizes, kFloat);
    for (int64_t i = 0; i < out.numel(); ++i) out.data_ptr<float>()[i] = distribution_(engine_);
    return out;
  }

  static Tensor fused(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                      const Tensor& residual) {
    const IValue none;
    return call_operator(fused_operator("calque::linear"),
                         {x, weight, bias ? IValue(*bias) : none,
                          IValue(static_cast<int64_t>(LinearActivation::kNone)), residual, IValue(0)})[0]
        .toTensor();
  }

 private:
  std::mt19937 engine_{7};
  std::normal_distribution<float> distribution_;
};

TEST_F(FusedLinear, AddsWhatIsBroadcastAsAdditionDoes) {
  const Tensor weight = random({70, 24});
  const Tensor bias = random({70});
  for (const Dims& x_sizes : {Dims{24}, Dims{1, 24}, Dims{3, 24}, Dims{2, 5, 24}, Dims{0, 24}}) {
    const Tensor x = random(x_sizes);
    for (const Dims& sizes : {Dims{70}, Dims{1, 70}, Dims{1, 1, 70}, Dims{1, 1, 1, 70}, Dims{1}, Dims{}}) {
      const Tensor residual = random(sizes);
      EXPECT_TRUE(allclose(fused(x, weight, std::nullopt, residual),
                           add(linear(x, weight, std::nullopt), residual), 1e-5, 1e-5));
      EXPECT_TRUE(
          allclose(fused(x, weight, bias, residual), add(linear(x, weight, bias), residual), 1e-5, 1e-5));
    }
  }
}

TEST_F(FusedLinear, AddsColumnsAndTransposedRows) {
  const Tensor weight = random({70, 24});
  const Tensor x = random({3, 24});
  for (const Tensor& residual : {random({3, 1}), random({70, 3}).transpose(0, 1), random({2, 3, 70})}) {
    EXPECT_TRUE(allclose(fused(x, weight, std::nullopt, residual),
                         add(linear(x, weight, std::nullopt), residual), 1e-5, 1e-5));
  }
}

}  // namespace
}  // namespace calque::ops
