#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calque/error.h"
#include "formats/hostile_testing.h"
#include "formats/little_endian.h"

namespace calque {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kTensor = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";

std::string file(const std::string& header, const std::string& data = "1234") {
  std::string out;
  append_le<uint64_t>(out, header.size());
  return out + header + data;
}

std::string one(const std::string& tensor) { return file("{\"a\":" + tensor + "}"); }

SafetensorsReader read(std::string_view bytes) { return SafetensorsReader(as_bytes(bytes), "m.safetensors"); }

void expect_refused(const std::string& bytes, const std::string& part) {
  EXPECT_THAT([&] { read(bytes); },
              ThrowsMessage<LoadError>(AllOf(HasSubstr("m.safetensors"), HasSubstr(part))));
}

TEST(Safetensors, Reads) {
  const std::string bytes = file(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"I8","shape":[2,1],"data_offsets":[4,6]},)"
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"U64","shape":[0,3],"data_offsets":[6,6]}}  )",
      "1234xy");
  const SafetensorsReader reader = read(bytes);
  ASSERT_EQ(reader.tensors().size(), 3u);
  EXPECT_EQ(reader.tensors()[0].name, "a");
  const SafetensorsTensor& b = reader.at("b");
  EXPECT_EQ(b.dtype, "I8");
  EXPECT_EQ(b.shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(as_text(b.data), "xy");
  EXPECT_EQ(b.offset, bytes.size() - 2);
  EXPECT_EQ(reader.metadata(), (SafetensorsMetadata{{"format", "pt"}}));
  EXPECT_EQ(reader.find("c"), nullptr);
  EXPECT_THAT([&] { reader.at("c"); }, ThrowsMessage<LoadError>(HasSubstr("no tensor \"c\"")));
}

TEST(Safetensors, EmptyFiles) {
  EXPECT_TRUE(read(file("{}", "")).tensors().empty());
  EXPECT_TRUE(read(file(R"({"__metadata__":null})", "")).metadata().empty());
}

TEST(Safetensors, RefusesBadHeaders) {
  expect_refused("", "0 bytes");
  expect_refused("1234567", "7 bytes");
  expect_refused(std::string("\0\0\0\0\0\0\0\x80", 8) + "{}", "100 MB");
  expect_refused(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{}", "100 MB");
  expect_refused(std::string("\x10\0\0\0\0\0\0\0", 8) + "{}", "cut short");
  expect_refused(file("", ""), "does not begin");
  expect_refused(file("[]", ""), "does not begin");
  expect_refused(file(" {}", ""), "does not begin");
  expect_refused(file("{}\n", ""), "does not end");
  expect_refused(file("{", ""), "does not end");
  expect_refused(file(std::string("{}\0", 3), ""), "does not end");
  expect_refused(file("{}{}", ""), "JSON");
  expect_refused(file(R"({"a\xff":1})"), "JSON");
  expect_refused(file(R"({"a":)" + std::string(200, '[') + std::string(200, ']') + "}"), "nested");
  expect_refused("version https://git-lfs.github.com/spec/v1 x", "git lfs pull");
}

TEST(Safetensors, RefusesBadMetadata) {
  const std::string tensor = kTensor;
  expect_refused(file(R"({"__metadata__":{"x":1},"a":)" + tensor + "}"), "__metadata__.x");
  expect_refused(file(R"({"__metadata__":[],"a":)" + tensor + "}"), "__metadata__");
  expect_refused(file(R"({"__metadata__":{"x":"1","x":"1"},"a":)" + tensor + "}"), "twice");
  expect_refused(file(R"({"__metadata__":{},"__metadata__":{},"a":)" + tensor + "}"), "twice");
}

TEST(Safetensors, RefusesBadTensors) {
  EXPECT_NO_THROW(read(one(kTensor)));
  EXPECT_NO_THROW(read(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":{"x":[1.5]}})")));
  expect_refused(file("{\"a\":" + std::string(kTensor) + ",\"a\":" + kTensor + "}"), "twice");
  expect_refused(one("3"), "object");
  expect_refused(one(R"({"dtype":"F32","shape":[1]})"), "data_offsets\" is missing");
  expect_refused(one(R"({"dtype":"F31","shape":[1],"data_offsets":[0,4]})"), "F31");
  expect_refused(one(R"({"dtype":7,"shape":[1],"data_offsets":[0,4]})"), "string");
  expect_refused(one(R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})"), "integer");
  expect_refused(one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), "below zero");
  expect_refused(one(R"({"dtype":"F32","shape":"1","data_offsets":[0,4]})"), "array");
  expect_refused(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,8]})"), "pair");
  expect_refused(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4]})"), "pair");
  expect_refused(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), "pair");
  expect_refused(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"), "do not agree");
  expect_refused(one(R"({"dtype":"F4","shape":[7],"data_offsets":[0,4]})"), "do not agree");
  expect_refused(one(R"({"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]})"),
                 "do not agree");
  expect_refused(one(R"({"dtype":"F32","shape":[9223372036854775807,4,0],"data_offsets":[0,0]})"),
                 "do not agree");
  expect_refused(one(R"({"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]})"), "integer");
  expect_refused(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "cut short");
  expect_refused(
      one(R"({"dtype":"I8","shape":[4],"data_offsets":[9223372036854775800,9223372036854775804]})"),
      "cut short");
}

TEST(Safetensors, RefusesHolesAndOverlaps) {
  const auto two = [](const char* first, const char* second, size_t size) {
    return file(std::string(R"({"a":{"dtype":"I8","shape":[4],"data_offsets":)") + first +
                    R"(},"b":{"dtype":"I8","shape":[4],"data_offsets":)" + second + "}}",
                std::string(size, 'x'));
  };
  EXPECT_NO_THROW(read(two("[4,8]", "[0,4]", 8)));
  expect_refused(two("[0,4]", "[0,4]", 4), "holes and overlaps");
  expect_refused(two("[0,4]", "[3,7]", 7), "holes and overlaps");
  expect_refused(two("[0,4]", "[5,9]", 9), "holes and overlaps");
  expect_refused(two("[1,5]", "[5,9]", 9), "holes and overlaps");
  expect_refused(two("[0,4]", "[4,8]", 9), "end at byte");
}

std::string written(const std::vector<SafetensorsItem>& items, const SafetensorsMetadata& metadata = {}) {
  StringSink sink;
  write_safetensors(sink, items, metadata);
  return sink.take();
}

TEST(Safetensors, WritesLargerElementsFirst) {
  const std::string bytes = written({{"z", "F32", {1}, as_bytes("1234")},
                                     {"y", "I64", {}, as_bytes("12345678")},
                                     {"a", "U8", {2, 1}, as_bytes("xy")},
                                     {"b", "F32", {1}, as_bytes("5678")}},
                                    {{"format", "pt"}});
  const SafetensorsReader reader = read(bytes);
  std::string names;
  for (const SafetensorsTensor& tensor : reader.tensors()) names += tensor.name;
  EXPECT_EQ(names, "ybza");
  EXPECT_EQ(as_text(reader.at("z").data), "1234");
  EXPECT_EQ(reader.tensors()[0].offset % 8, 0u);
  EXPECT_EQ(written({}), file("{}      ", ""));
}

TEST(Safetensors, RefusesToWriteNonsense) {
  EXPECT_THROW(written({{"a", "F99", {1}, as_bytes("1234")}}), ValueError);
  EXPECT_THROW(written({{"a", "F32", {2}, as_bytes("1234")}}), ValueError);
  EXPECT_THROW(written({{"a", "F32", {-1}, as_bytes("1234")}}), ValueError);
  EXPECT_THROW(written({{"__metadata__", "F32", {1}, as_bytes("1234")}}), ValueError);
  EXPECT_THROW(written({{"a", "F32", {1}, as_bytes("1234")}, {"a", "F32", {1}, as_bytes("1234")}}),
               ValueError);
}

TEST(Safetensors, SurvivesDamage) {
  const std::string bytes =
      written({{"a.weight", "F32", {2, 1}, as_bytes("12345678")}, {"b", "I8", {}, as_bytes("1")}},
              {{"format", "pt"}});
  testing_support::expect_survives_damage(bytes, 30'000, [](std::string_view damaged) { read(damaged); });
}

}  // namespace
}  // namespace calque
