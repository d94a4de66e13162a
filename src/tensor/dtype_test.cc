#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensor/element.h"

namespace calque {
namespace {

TEST(Dtype, NamesReadBack) {
  for (int i = 0; i <= 15; ++i) {
    const auto dtype = static_cast<ScalarType>(i);
    EXPECT_EQ(dtype_from_name(dtype_name(dtype)), dtype);
  }
  EXPECT_EQ(dtype_from_name("torch.int64"), kLong);
  EXPECT_EQ(dtype_from_name("flaot32"), std::nullopt);
  EXPECT_THROW(item_size(static_cast<ScalarType>(77)), TypeError);
}

TEST(Dtype, Promotion) {
  EXPECT_EQ(promote_types(kByte, kChar), kShort);
  EXPECT_EQ(promote_types(kByte, kBool), kByte);
  EXPECT_EQ(promote_types(kLong, kHalf), kHalf);
  EXPECT_EQ(promote_types(kHalf, kBFloat16), kFloat);
  EXPECT_EQ(promote_types(kInt, kByte), kInt);
  EXPECT_EQ(promote_types(kFloat, kDouble), kDouble);
  EXPECT_EQ(promote_types(ScalarType::ComplexFloat, kDouble), ScalarType::ComplexDouble);
  EXPECT_EQ(promote_types(ScalarType::ComplexHalf, kFloat), ScalarType::ComplexFloat);
}

TEST(Dtype, HalfRoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(float_to_half(value), bits);
    const float next = half_to_float(static_cast<uint16_t>(bits + 1));
    if (!std::isfinite(value) || !std::isfinite(next) || (bits & 0x7fffu) >= 0x7bffu) continue;
    const float middle = (value + next) / 2;
    EXPECT_EQ(float_to_half(middle), (bits & 1u) != 0 ? bits + 1 : bits);
    EXPECT_EQ(float_to_half(std::nextafter(middle, next)), bits + 1);
  }
  EXPECT_EQ(float_to_half(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(NAN))));
}

TEST(Dtype, BFloat16RoundsToNearestEven) {
  EXPECT_EQ(float_to_bfloat16(1.0f), 0x3f80);
  EXPECT_EQ(float_to_bfloat16(1.00390625f), 0x3f80);
  EXPECT_EQ(float_to_bfloat16(1.01171875f), 0x3f82);
  EXPECT_EQ(float_to_bfloat16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(NAN))));
}

TEST(Dtype, FloatToIntegerNeverLeavesItsType) {
  EXPECT_EQ(float_to_int<int64_t>(1e30), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(float_to_int<int32_t>(NAN), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(float_to_int<int8_t>(-3.9f), -3);
  EXPECT_EQ(float_to_int<uint8_t>(-1.0), 255);
  EXPECT_EQ(Scalar(1e300).to_int(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Scalar(NAN).to_int(), 0);
}

}  // namespace
}  // namespace calque
