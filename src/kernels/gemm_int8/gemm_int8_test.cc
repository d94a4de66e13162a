#include "kernels/gemm_int8/gemm_int8.h"

#include <algorithm>

#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class GemmInt8 : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, GemmInt8, kAllIsas, isa_test_name);

struct Weights {
  Weights(std::mt19937& rng, int64_t k, int64_t n)
      : values(static_cast<size_t>(k * n)),
        packed(static_cast<size_t>(packed_int8_bytes(k, n))),
        scales(random_floats(rng, n, 0.1F)),
        bias(random_floats(rng, n)) {
    for (int8_t& value : values) value = static_cast<int8_t>(random_size(rng, -128, 127));
    pack_int8(k, n, values.data(), packed.data());
    for (int64_t j = 0; j < n; ++j) {
      zero_points.push_back(static_cast<int32_t>(random_size(rng, -128, 127)));
      int64_t sum = -k * zero_points.back();
      for (int64_t i = 0; i < k; ++i) sum += values[static_cast<size_t>(j * k + i)];
      offsets.push_back(static_cast<int32_t>(sum));
    }
  }
  std::vector<int8_t> values, packed;
  std::vector<float> scales, bias;
  std::vector<int32_t> zero_points, offsets;
};

int32_t quantized(float x, ByteQuantization q) {
  const float rounded = std::nearbyint(x * (1.0F / q.scale));
  return static_cast<int32_t>(std::clamp(rounded + static_cast<float>(q.zero_point), 0.0F, 255.0F));
}

TEST_P(GemmInt8, IsTheExactSumRoundedOnce) {
  std::mt19937 rng(7);
  for (int round = 0; round < 60; ++round) {
    const int64_t m = random_size(rng, 1, 11), n = random_size(rng, 1, 50), k = random_size(rng, 0, 90);
    const int64_t a_row = k + random_size(rng, 0, 3);
    const Weights w(rng, k, n);
    const std::vector<float> a = random_floats(rng, m * a_row + 1, 3.0F);
    const ByteQuantization q{.scale = 0.02F, .zero_point = static_cast<int32_t>(random_size(rng, 0, 255))};
    std::vector<float> c(static_cast<size_t>(m * n + 1), 77.0F);
    gemm_int8({.m = m,
               .n = n,
               .k = k,
               .a = a.data(),
               .a_row = a_row,
               .a_quantization = q,
               .b = w.packed.data(),
               .b_scales = w.scales.data(),
               .b_zero_points = w.zero_points.data(),
               .b_offsets = w.offsets.data(),
               .bias = round % 2 == 0 ? w.bias.data() : nullptr,
               .relu = round % 3 == 0,
               .c = c.data()});
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const auto at = static_cast<size_t>(j);
        int64_t sum = 0;
        for (int64_t l = 0; l < k; ++l) {
          sum += int64_t{quantized(a[static_cast<size_t>(i * a_row + l)], q) - q.zero_point} *
                 (w.values[static_cast<size_t>(j * k + l)] - w.zero_points[at]);
        }
        const float bias = round % 2 == 0 ? w.bias[at] : 0.0F;
        float wanted = std::fma(static_cast<float>(sum), q.scale * w.scales[at], bias);
        if (round % 3 == 0 && wanted < 0) wanted = 0;
        ASSERT_EQ(c[static_cast<size_t>(i * n + j)], wanted) << m << " " << n << " " << k;
      }
    }
    ASSERT_EQ(c.back(), 77.0F);
  }
}

TEST_P(GemmInt8, LargestSumsDoNotWrap) {
  const int64_t k = kMaxInt8Depth;
  std::vector<int8_t> w(static_cast<size_t>(k), -128), packed(static_cast<size_t>(packed_int8_bytes(k, 1)));
  pack_int8(k, 1, w.data(), packed.data());
  const std::vector<float> a(static_cast<size_t>(k), 255.0F);
  const float scale = 1;
  const int32_t zero_point = 127, offset = static_cast<int32_t>(-255 * k);
  float c = 0;
  gemm_int8({.m = 1,
             .n = 1,
             .k = k,
             .a = a.data(),
             .a_row = k,
             .b = packed.data(),
             .b_scales = &scale,
             .b_zero_points = &zero_point,
             .b_offsets = &offset,
             .c = &c});
  EXPECT_EQ(c, -255.0F * 255.0F * static_cast<float>(k));
}

TEST_P(GemmInt8, SpecialValuesStayInRange) {
  const std::vector<int8_t> w = {1, 1, 1, 1};
  std::vector<int8_t> packed(static_cast<size_t>(packed_int8_bytes(4, 1)));
  pack_int8(4, 1, w.data(), packed.data());
  const std::vector<float> a = {kNan, kInf, -kInf, 1.0F};
  const float scale = 1;
  const int32_t zero_point = 0, offset = 4;
  float c = 0;
  gemm_int8({.m = 1,
             .n = 1,
             .k = 4,
             .a = a.data(),
             .a_row = 4,
             .a_quantization = {.scale = 1, .zero_point = 10},
             .b = packed.data(),
             .b_scales = &scale,
             .b_zero_points = &zero_point,
             .b_offsets = &offset,
             .c = &c});
  EXPECT_EQ(c, 0.0F + 255.0F + 0.0F + 11.0F - 40.0F);
}

}  // namespace
}  // namespace calque::kernels
