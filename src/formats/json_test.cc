#include "formats/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "calque/error.h"
#include "formats/hostile_testing.h"
#include "formats/json_writer.h"

namespace calque {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

JsonRef parse(std::string_view text, const JsonOptions& options = {}) {
  return parse_json(text, "config.json", options);
}

void expect_refused(std::string_view text, const std::string& part, const JsonOptions& options = {}) {
  EXPECT_THAT([&] { parse(text, options); },
              ThrowsMessage<LoadError>(AllOf(HasSubstr("config.json"), HasSubstr(part))))
      << text;
}

TEST(Json, ReadsEveryKind) {
  const JsonRef root =
      parse(R"({"n":null,"b":true,"i":-7,"d":1.5e-3,"s":"a\u00e9\n\ud83d\ude00","a":[1,[2]],"o":{"x":{}}})");
  EXPECT_TRUE(root.get("n").json().is_null());
  EXPECT_TRUE(root.get_bool("b"));
  EXPECT_EQ(root.get_int("i"), -7);
  EXPECT_EQ(root.get_double("d"), 1.5e-3);
  EXPECT_EQ(root.get_double("i"), -7.0);
  EXPECT_EQ(root.get_string("s"), "a\xc3\xa9\n\xf0\x9f\x98\x80");
  EXPECT_EQ(root.get("a").at(1).at(0).as_int(), 2);
  EXPECT_EQ(root.get("a").at(1).at(0).path(), "a[1][0]");
  EXPECT_EQ(root.get("o").get("x").path(), "o.x");
  EXPECT_TRUE(root.get("o").get("x").as_object().empty());
  EXPECT_EQ(parse("3").as_int(), 3);
  EXPECT_EQ(parse("\xef\xbb\xbf[ ]").size(), 0u);
}

TEST(Json, KeepsTheOrderOfMembers) {
  const JsonRef root = parse(R"({"z":1,"a":2,"m":3})");
  std::string keys;
  for (const JsonMember& member : root.as_object()) keys += member.key;
  EXPECT_EQ(keys, "zam");
}

TEST(Json, ErrorsNameFileAndKey) {
  const JsonRef root = parse(R"({"t":{"hidden_size":"768"},"a":[1]})");
  EXPECT_THAT([&] { root.get("t").get_int("hidden_size"); },
              ThrowsMessage<LoadError>(
                  "\"config.json\": \"t.hidden_size\" is of type string (\"768\"); expected is integer."));
  EXPECT_THAT([&] { root.get("t").get_int("layers"); },
              ThrowsMessage<LoadError>("\"config.json\": \"t.layers\" is missing, and is needed."));
  EXPECT_THAT([&] { root.get("a").at(1); }, ThrowsMessage<LoadError>(HasSubstr("\"a\" has 1 elements")));
  EXPECT_THAT([&] { root.as_array(); },
              ThrowsMessage<LoadError>(HasSubstr("the whole document is of type object")));
  EXPECT_THAT([&] { root.get("a").get("x"); }, ThrowsMessage<LoadError>(HasSubstr("expected is object")));
}

TEST(Json, FallbacksForAbsentAndNull) {
  const JsonRef root = parse(R"({"n":null,"i":3,"s":"x"})");
  EXPECT_EQ(root.get_int_or("n", 5), 5);
  EXPECT_EQ(root.get_int_or("none", 5), 5);
  EXPECT_EQ(root.get_int_or("i", 5), 3);
  EXPECT_EQ(root.get_double_or("i", 5), 3.0);
  EXPECT_EQ(root.get_string_or("none", "y"), "y");
  EXPECT_TRUE(root.get_bool_or("none", true));
  EXPECT_THROW(root.get_int_or("s", 5), LoadError);
  EXPECT_FALSE(root.find("n").has_value());
  EXPECT_TRUE(root.has("i"));
}

TEST(Json, RefKeepsTheDocumentAlive) {
  const JsonRef inner = parse(R"({"a":{"b":[1,2,3]}})").get("a").get("b");
  EXPECT_EQ(inner.at(2).as_int(), 3);
}

TEST(Json, IntegersOfAnyLength) {
  const JsonRef root =
      parse(R"({"m":1000000000000000019884624838656,"s":"12345678901234567890123","u":18446744073709551615,
      "i":9223372036854775807,"j":-9223372036854775808,"k":-9223372036854775809,"e":1000000000000000019884624838656e1})");
  EXPECT_EQ(root.get_double("m"), 1e30);
  EXPECT_EQ(root.get("m").json().kind(), Json::Kind::kDouble);
  EXPECT_EQ(root.get_string("s"), "12345678901234567890123");
  EXPECT_EQ(root.get_double("u"), 18446744073709551615.0);
  EXPECT_EQ(root.get_double("k"), -9223372036854775808.0);
  EXPECT_EQ(root.get_double("e"), 1e31);
  const JsonRef plain = parse("[9223372036854775807,-9223372036854775808]");
  EXPECT_EQ(plain.at(0).as_int(), INT64_MAX);
  EXPECT_EQ(plain.at(1).as_int(), INT64_MIN);
}

TEST(Json, LongIntegersDoNotChangeTheirNeighbours) {
  const JsonRef root = parse("[1000000000000000019884624838656,9223372036854775807]");
  EXPECT_EQ(root.at(1).as_int(), INT64_MAX);
}

TEST(Json, DuplicateKeys) {
  EXPECT_EQ(parse(R"({"a":1,"a":2})").get_int("a"), 2);
  expect_refused(R"({"x":[{"a":1,"b":0,"a":2}]})", "\"a\" occurs twice", {.refuse_duplicate_keys = true});
  EXPECT_NO_THROW(parse(R"({"a":{"a":1},"b":{"a":1}})", {.refuse_duplicate_keys = true}));
}

TEST(Json, MistakesAreLocated) {
  expect_refused("{\n  \"a\": 1,\n  \"b\" 2\n}", "line 3, column 7: a ':' is expected");
  expect_refused("{\"a\": 1,}", "line 1, column 9: there is a ',' before '}'");
  expect_refused("[1,]", "column 4: there is a ',' before ']'");
  expect_refused("[1 2]", "column 4: a ',' or ']'");
  expect_refused("{'a': 1}", "column 2: a key in double quotes");
  expect_refused("[NaN]", "NaN is not JSON");
  expect_refused("[-Infinity]", "-Infinity is not JSON");
  expect_refused("[01]", "begins with 0");
  expect_refused("[1.]", "digit");
  expect_refused("[\"a\nb\"]", "control character");
  expect_refused("[\"\\x\"]", "escape");
  expect_refused("[\"\\u12g4\"]", "hexadecimal");
  expect_refused("[1", "ends too early");
  expect_refused("[\"abc", "string does not end");
  expect_refused("[1] [2]", "more text");
  expect_refused("", "");
  expect_refused("   ", "ends too early");
  expect_refused("[\"\xff\"]", "UTF-8");
  expect_refused("[1e999]", "");
  expect_refused("<html>", "web page");
  expect_refused("version https://git-lfs.github.com/spec/v1", "git lfs pull");
}

TEST(Json, RefusesHalfSurrogates) {
  expect_refused(R"(["\ud800"])", "surrogate");
  expect_refused(R"(["\udc00"])", "surrogate");
  expect_refused(R"({"\udc00x":1})", "surrogate");
  EXPECT_EQ(parse("[\"\xed\x9f\xbf\"]").at(0).as_string(), "\xed\x9f\xbf");
}

TEST(Json, LimitsDepth) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse(nested(200)));
  expect_refused(nested(300), "256 deep");
  expect_refused(nested(1'000'000), "256 deep");
  expect_refused(std::string(1'000'000, '['), "");
  expect_refused(nested(10), "5 deep", {.max_depth = 5});
}

TEST(Json, WrongKindInsideIsAnInternalError) {
  EXPECT_THROW(Json(true).integer(), InternalError);
  EXPECT_THROW(Json().object(), InternalError);
}

TEST(JsonWriter, CompactAndIndented) {
  const char* compact = R"({"a":[1,2.5,"x"],"e":[],"o":{},"n":null,"t":true})";
  EXPECT_EQ(to_json_text(parse(compact).json()), compact);
  EXPECT_EQ(to_json_text(parse(R"({"a":[1,{"b":2}],"e":[],"o":{}})").json(), {.indent = 2}),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"e\": [],\n  \"o\": {}\n}");
}

TEST(JsonWriter, Numbers) {
  JsonWriter writer;
  writer.begin_array();
  writer.integer(INT64_MIN);
  writer.real(1.0);
  writer.real(1e-12);
  writer.real(1e22);
  writer.real(0.1f);
  writer.real(-0.0);
  writer.end_array();
  EXPECT_EQ(writer.finish(), "[-9223372036854775808,1.0,1e-12,1e+22,0.1,-0.0]");
  JsonWriter broken;
  EXPECT_THROW(broken.real(std::nan("")), ValueError);
}

TEST(JsonWriter, Escapes) {
  JsonWriter writer;
  writer.string(std::string_view("\"\\/\b\f\n\r\t\x01\x1f\0\x7f\xc3\xa9", 14));
  const std::string text = writer.finish();
  EXPECT_EQ(text, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000\x7f\xc3\xa9\"");
  EXPECT_EQ(parse(text).as_string().size(), 14u);
}

TEST(JsonWriter, MisuseIsAnInternalError) {
  JsonWriter writer;
  writer.begin_object();
  EXPECT_THROW(writer.null(), InternalError);
  EXPECT_THROW(writer.end_array(), InternalError);
  EXPECT_THROW(writer.finish(), InternalError);
}

TEST(Json, SurvivesDamage) {
  testing_support::expect_survives_damage(
      R"({"a":[1,2.5e3,"x\u00e9\n",null,true,false,{"b":{}}],"m":1000000000000000019884624838656,"z":[[[]]]})",
      30'000, [](std::string_view text) { to_json_text(parse(text).json()); });
}

}  // namespace
}  // namespace calque
