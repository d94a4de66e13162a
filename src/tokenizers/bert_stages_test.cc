#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tokenizers/bert_normalizer.h"
#include "tokenizers/bert_pre_tokenizer.h"
#include "tokenizers/clean_up.h"
#include "tokenizers/unicode.h"
#include "tokenizers/word_piece_decoder.h"

namespace calque {
namespace {

NormalizedText normalized(std::string_view text, const BertNormalizerOptions& options = {}) {
  NormalizedText out;
  out.text = text;
  BertNormalizer(options).normalize(out);
  return out;
}

TEST(BertNormalizer, KeepsOriginsOfAsciiImplicit) {
  const NormalizedText text = normalized("Two\tWords");
  EXPECT_EQ(text.text, "two words");
  EXPECT_TRUE(text.origins.empty());
  EXPECT_EQ(text.origin(4, 9), (TextRange{4, 9}));
}

TEST(BertNormalizer, CleansStripsAndLowers) {
  EXPECT_EQ(normalized("\x01 A\x7F\u200D\uFFFD\u00A0É").text, " a e");
  EXPECT_EQ(normalized("漢字").text, " 漢  字 ");
  EXPECT_EQ(normalized("İ").text, "i");
  EXPECT_EQ(normalized("İ", {.strip_accents = false}).text, "i̇");
  EXPECT_EQ(normalized("É", {.strip_accents = true, .lowercase = false}).text, "E");
  EXPECT_EQ(normalized("각").text, "\u1100\u1161\u11A8");
  EXPECT_EQ(normalized("\u0301\u0302").text, "");
  EXPECT_EQ(normalized("\x7F", {.clean_text = false}).text, "\x7F");
}

TEST(BertNormalizer, RemembersOrigins) {
  const NormalizedText text = normalized("Aé漢");
  EXPECT_EQ(text.text, "ae 漢 ");
  EXPECT_EQ(text.origin(0, 1), (TextRange{0, 1}));
  EXPECT_EQ(text.origin(1, 2), (TextRange{1, 3}));
  EXPECT_EQ(text.origin(2, 3), (TextRange{3, 6}));
  EXPECT_EQ(text.origin(3, 6), (TextRange{3, 6}));
  EXPECT_EQ(text.origin(0, 6), (TextRange{0, 6}));
}

TEST(BertNormalizer, OrdersMarksThatItKeeps) {
  // U+302F (class 224) and U+1D165 (class 216) are spacing marks.
  EXPECT_EQ(normalized("a\u302F\U0001D165").text, "a\U0001D165\u302F");
}

TEST(BertPreTokenizer, SplitsAtSpaceAndPunctuation) {
  NormalizedText text;
  text.text = " ab,c\u2003d。e ";
  std::vector<TextRange> words;
  BertPreTokenizer().pre_tokenize(text, {0, static_cast<uint32_t>(text.text.size())}, words);
  std::vector<std::string> found;
  for (const TextRange& word : words) found.push_back(text.text.substr(word.begin, word.end - word.begin));
  EXPECT_EQ(found, (std::vector<std::string>{"ab", ",", "c", "d", "。", "e"}));
}

TEST(UnicodeTables, KnowsTheQuirksOfTheReference) {
  const UnicodeTables& tables = UnicodeTables::get();
  EXPECT_FALSE(tables.has(0x0378, kCharRemoved));   // Unassigned: kept.
  EXPECT_TRUE(tables.has(0xE000, kCharRemoved));    // Private use.
  EXPECT_FALSE(tables.has(0x2B820, kCharChinese));  // CJK extension E, by a slip.
  EXPECT_TRUE(tables.has(0x2B920, kCharChinese));
  EXPECT_FALSE(tables.has(0x061D, kCharPunctuation));  // Newer than its tables.
  EXPECT_TRUE(tables.has('$', kCharPunctuation));
  EXPECT_TRUE(tables.has('_', kCharWord));
}

TEST(WordPieceDecoder, JoinsAndCleans) {
  const std::vector<std::string_view> tokens = {"un", "##able", "do", "not", "!", "##x"};
  EXPECT_EQ(WordPieceDecoder("##", false).decode(tokens), "unable do not !x");
  EXPECT_EQ(WordPieceDecoder("##", true).decode(tokens), "unable do not!x");
  EXPECT_EQ(clean_up_tokenization("it 's ok , do not . I 'm"), "it's ok, do not. I'm");
  EXPECT_EQ(clean_up_word_piece(" do not"), " don't");
}

}  // namespace
}  // namespace calque
