#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "calque/error.h"
#include "calque/io.h"

namespace calque::io {
namespace {

Tensor only(const std::string& text) {
  const NamedTensors tensors = tensors_from_json(text, "in.json");
  EXPECT_EQ(tensors.size(), 1u);
  return tensors.at(0).second;
}

std::string error_of(const std::string& text) {
  try {
    tensors_from_json(text, "in.json");
  } catch (const LoadError& error) {
    return error.what();
  }
  return "no error";
}

TEST(TensorJson, GuessesDtypes) {
  EXPECT_TRUE(
      equal(only(R"({"x": [[1, 2], [3, 4]]})"), tensor(std::vector<std::vector<int64_t>>{{1, 2}, {3, 4}})));
  EXPECT_EQ(only(R"({"x": [1, 2.5]})").dtype(), kFloat);
  EXPECT_EQ(only(R"({"x": [true, false]})").dtype(), kBool);
  EXPECT_EQ(only(R"({"x": 3})").dtype(), kLong);
  EXPECT_EQ(only(R"({"x": 3})").dim(), 0);
  EXPECT_EQ(only(R"({"x": 0.1})").item().to_double(), 0.1);
  EXPECT_EQ(only(R"({"x": []})").sizes()[0], 0);
}

TEST(TensorJson, TextBecomesBytes) {
  const Tensor bytes = only(R"({"x": "ab"})");
  EXPECT_EQ(bytes.dtype(), kUInt8);
  EXPECT_EQ(bytes[0].item().to_int(), 'a');
}

TEST(TensorJson, TakesDtypeAndShape) {
  const Tensor half = only(R"({"x": {"dtype": "float16", "shape": [2, 2], "data": [1, 2, 3, 4]}})");
  EXPECT_EQ(half.dtype(), kHalf);
  EXPECT_EQ(half[1][0].item().to_double(), 3);
  EXPECT_EQ(only(R"({"x": {"dtype": "int64", "shape": [2, 0], "data": []}})").dim(), 2);
}

TEST(TensorJson, ReadsInfinitiesAndNan) {
  const Tensor x = only(R"({"x": ["inf", "-inf", "nan", 1]})");
  EXPECT_EQ(x[0].item().to_double(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(x[1].item().to_double(), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(x[2].item().to_double()));
}

TEST(TensorJson, ErrorsSayWhere) {
  EXPECT_NE(error_of(R"({"x": [[1, 2], [3]]})").find("x[1]"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": [1, [2]]})").find("x[1]"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": [[1], 2]})").find("x[1]"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": [null]})").find("null"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": {"dtype": "uint8", "data": [300]}})").find("uint8"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": {"dtype": "int64", "data": [0.5]}})").find("int64"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": {"dtype": "complex64", "data": [1]}})").find("complex64"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": {"data": [1], "shape": [4611686018427387904, 4]}})").find("shape"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"x": {"data": [1, 2, 3], "shape": [2]}})").find("3 numbers"), std::string::npos);
  EXPECT_NE(error_of(R"({"x": 1, "x": 2})").find("x"), std::string::npos);
  EXPECT_NE(error_of(R"([1])").find("object"), std::string::npos);
}

TEST(TensorJson, DeepNestingIsAnError) {
  const std::string text = R"({"x": )" + std::string(100, '[') + "1" + std::string(100, ']') + "}";
  EXPECT_NE(error_of(text), "no error");
}

TEST(TensorJson, WritesWhatItReads) {
  for (const ScalarType dtype :
       {kFloat, kDouble, kHalf, kBFloat16, kLong, kInt, kShort, kChar, kByte, kBool}) {
    const Tensor x = tensor(std::vector<int64_t>{0, 1, 1, 0, 1, 1}).to(dtype).reshape(Dims{2, 3});
    const Tensor back = only(tensors_to_json({{"x", x.transpose(0, 1)}}));
    EXPECT_EQ(back.dtype(), dtype);
    EXPECT_TRUE(equal(back, x.transpose(0, 1).contiguous()));
  }
  const Tensor third = full(Dims{}, 1.0 / 3, kFloat);
  EXPECT_TRUE(equal(only(tensors_to_json({{"x", third}})), third));
}

}  // namespace
}  // namespace calque::io
