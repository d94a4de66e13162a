// For the tests of kernels: instruction sets to go through, and random data.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"

namespace calque::kernels {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInf = std::numeric_limits<float>::infinity();

/// A test that runs once per instruction set; those that the processor lacks are skipped.
class IsaTest : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!has_isa(GetParam())) GTEST_SKIP() << "the processor lacks " << isa_name(GetParam());
    before_ = active_isa();
    set_active_isa(GetParam());
  }
  void TearDown() override {
    if (has_isa(GetParam())) set_active_isa(before_);
  }

 private:
  Isa before_ = Isa::kScalar;
};

inline std::string isa_test_name(const ::testing::TestParamInfo<Isa>& info) {
  return std::string(isa_name(info.param));
}

inline const auto kAllIsas = ::testing::Values(Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAmx, Isa::kNeon);

inline std::vector<float> random_floats(std::mt19937& rng, int64_t n, float scale = 1.0F) {
  std::uniform_real_distribution<float> next(-scale, scale);
  std::vector<float> values(static_cast<size_t>(n));
  for (float& value : values) value = next(rng);
  return values;
}

inline int64_t random_size(std::mt19937& rng, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(rng);
}

/// |found - wanted| in units in the last place of `wanted` as a float; 0 when both are NaN or equal.
inline double ulp_error(float found, double wanted) {
  if (std::isnan(found) || std::isnan(wanted)) return std::isnan(found) && std::isnan(wanted) ? 0 : 1e30;
  const auto rounded = static_cast<float>(wanted);
  if (found == rounded) return 0;
  if (std::isinf(found) || std::isinf(rounded)) return 1e30;
  const float size = std::max(std::abs(rounded), std::numeric_limits<float>::min());
  const double ulp = static_cast<double>(std::nextafter(size, kInf)) - static_cast<double>(size);
  return std::abs(static_cast<double>(found) - wanted) / ulp;
}

}  // namespace calque::kernels
