#include "tokenizers/utf8.h"

#include <gtest/gtest.h>

namespace calque {
namespace {

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    char text[4];
    const size_t written = encode_utf8(c, text);
    size_t length = 0;
    ASSERT_EQ(decode_utf8(text, length), c);
    ASSERT_EQ(length, written);
    ASSERT_TRUE(is_valid_utf8({text, written}));
  }
}

TEST(Utf8, FindsTheFirstInvalidByte) {
  EXPECT_EQ(valid_utf8_prefix("plain"), 5U);
  EXPECT_EQ(valid_utf8_prefix("ab\xFF"), 2U);
  EXPECT_EQ(valid_utf8_prefix("é\xC3"), 2U);
  EXPECT_EQ(valid_utf8_prefix("a\xED\xA0\x80"), 1U);     // A surrogate.
  EXPECT_EQ(valid_utf8_prefix("\xC0\xAF"), 0U);          // Overlong.
  EXPECT_EQ(valid_utf8_prefix("\xF4\x90\x80\x80"), 0U);  // Above U+10FFFF.
  EXPECT_EQ(valid_utf8_prefix("12345678é\x80"), 10U);
}

// Expected texts are those of Python 3.11: bytes.decode("utf-8", errors="replace").
TEST(Utf8, RepairsAsPythonDoes) {
  const auto repaired = [](std::string_view text) { return repair_utf8(text).text; };
  EXPECT_EQ(repaired("ok é"), "ok é");
  EXPECT_EQ(repaired("\xFF\xFE"), "\uFFFD\uFFFD");
  EXPECT_EQ(repaired("\xE2\x82"), "\uFFFD");
  EXPECT_EQ(repaired("\xE2\x82z"), "\uFFFDz");
  EXPECT_EQ(repaired("\xF0\x9F\x98"), "\uFFFD");
  EXPECT_EQ(repaired("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(repaired("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(repaired("\xF0\x80\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(repaired("a\x80z"), "a\uFFFDz");
  EXPECT_EQ(repaired("\xE2\xE2\x82\xAC"), "\uFFFD€");
}

TEST(Utf8, RepairRemembersTheSource) {
  const RepairedText repaired = repair_utf8("a\xE2\x82z");
  EXPECT_EQ(repaired.text, "a\uFFFDz");
  EXPECT_EQ(repaired.source, (std::vector<uint32_t>{0, 1, 1, 1, 3, 4}));
}

TEST(Utf8, CountsCharacters) {
  EXPECT_EQ(count_characters(""), 0U);
  EXPECT_EQ(count_characters("aé漢😀"), 4U);
  EXPECT_EQ(ascii_prefix("0123456789é"), 10U);
}

}  // namespace
}  // namespace calque
