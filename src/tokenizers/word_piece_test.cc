#include "tokenizers/word_piece.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "calque/error.h"

namespace calque {
namespace {

using Strings = std::vector<std::string>;

WordPiece make(const Strings& tokens, WordPieceOptions options = {}) {
  Vocab vocab;
  for (const std::string& token : tokens) vocab.add(token, static_cast<uint32_t>(vocab.size()));
  vocab.finish();
  return WordPiece(std::move(vocab), std::move(options));
}

Strings cut(const WordPiece& model, std::string_view word) {
  std::vector<ModelToken> tokens;
  model.tokenize(word, tokens);
  Strings out;
  uint32_t end = 0;
  for (const ModelToken& token : tokens) {
    EXPECT_EQ(token.begin, end);
    end = token.end;
    out.emplace_back(model.vocab().token(token.index));
  }
  EXPECT_EQ(end, word.size());
  return out;
}

TEST(WordPiece, TakesTheLongestFirst) {
  const WordPiece model = make({"[UNK]", "un", "una", "##believ", "##able", "##a", "##ble"});
  EXPECT_EQ(cut(model, "unbelievable"), (Strings{"un", "##believ", "##able"}));
  EXPECT_EQ(cut(model, "unable"), (Strings{"una", "##ble"}));
  EXPECT_EQ(cut(model, "unx"), (Strings{"[UNK]"}));
  EXPECT_EQ(cut(model, "able"), (Strings{"[UNK]"}));
}

TEST(WordPiece, LimitsWordsByCharacters) {
  const WordPiece model = make({"[UNK]", "é", "##é"}, {.max_input_chars_per_word = 3});
  EXPECT_EQ(cut(model, "ééé").size(), 3U);
  EXPECT_EQ(cut(model, "éééé"), (Strings{"[UNK]"}));
}

TEST(WordPiece, PrefixMayBeAnything) {
  EXPECT_EQ(cut(make({"[UNK]", "a", "b"}, {.continuing_subword_prefix = ""}), "ab"), (Strings{"a", "b"}));
  EXPECT_EQ(cut(make({"[UNK]", "a", "@b"}, {.continuing_subword_prefix = "@"}), "ab"), (Strings{"a", "@b"}));
  EXPECT_EQ(cut(make({"[UNK]", "a"}), "ab"), (Strings{"[UNK]"}));
  EXPECT_EQ(cut(make({"[UNK]", "a", "##"}), "a##"), (Strings{"[UNK]"}));
  EXPECT_EQ(cut(make({"[UNK]", "##a"}), "##a"), (Strings{"##a"}));
}

TEST(WordPiece, SaysThatTheUnknownTokenIsMissing) {
  const WordPiece model = make({"a"});
  std::vector<ModelToken> tokens;
  model.tokenize("a", tokens);
  EXPECT_THROW(model.tokenize("b", tokens), ValueError);
}

TEST(WordPiece, LongWordsAreCutAsShortOnes) {
  std::mt19937 random(3);
  const Strings tokens = {"[UNK]", "a", "ab", "##a", "##b", "##ab", "##aba", "##bb", "##abab"};
  const WordPiece direct = make(tokens, {.max_input_chars_per_word = 100});
  const WordPiece linear = make(tokens, {.max_input_chars_per_word = 1'000'000});
  for (int round = 0; round < 50; ++round) {
    std::string word = "a";
    while (word.size() < 2000) word += static_cast<char>('a' + random() % 2);
    // The same cut as in pieces of which the direct way is used: tokens of at most 5 bytes, so 90 bytes at a
    // time.
    const Strings found = cut(linear, word);
    std::string joined;
    for (const std::string& token : found) joined += token.starts_with("##") ? token.substr(2) : token;
    EXPECT_EQ(joined, word);
    Strings expected;
    for (size_t at = 0; at < word.size();) {
      size_t best = 0;
      for (const std::string& token : tokens) {
        const std::string body = at == 0 ? token : (token.starts_with("##") ? token.substr(2) : "?");
        if (body.size() > best && word.compare(at, body.size(), body) == 0) best = body.size();
      }
      expected.push_back((at == 0 ? "" : "##") + word.substr(at, best));
      at += best;
    }
    EXPECT_EQ(found, expected);
  }
  EXPECT_EQ(cut(linear, std::string(2000, 'a') + "c"), (Strings{"[UNK]"}));
}

TEST(WordPiece, LongWordsTakeLinearTime) {
  const std::string nearly = "##" + std::string(100'000, 'a') + "b";
  const WordPiece model = make({"[UNK]", "a", "##a", nearly}, {.max_input_chars_per_word = UINT64_MAX});
  EXPECT_EQ(cut(model, std::string(300'000, 'a')).size(), 300'000U);
  EXPECT_EQ(cut(make({"[UNK]"}), std::string(1'000'000, 'x')), (Strings{"[UNK]"}));
}

TEST(Vocab, FindsTokensAndIds) {
  Vocab vocab;
  vocab.add("a", 7);
  vocab.add("b", 4'000'000'000U);
  vocab.add("", 2);
  vocab.add("a", 9);
  vocab.finish();
  EXPECT_EQ(vocab.size(), 3U);
  EXPECT_EQ(vocab.token_to_id("a"), 9U);
  EXPECT_EQ(vocab.token_to_id(""), 2U);
  EXPECT_EQ(vocab.token_to_id("c"), std::nullopt);
  EXPECT_EQ(vocab.token(vocab.find_id(4'000'000'000U)), "b");
  EXPECT_EQ(vocab.find_id(7), Vocab::kNone);
  EXPECT_EQ(Vocab().find("a"), Vocab::kNone);
}

TEST(Vocab, RefusesTwoTokensWithOneId) {
  Vocab vocab;
  vocab.add("a", 1);
  vocab.add("b", 1);
  EXPECT_THROW(vocab.finish(), LoadError);
}

}  // namespace
}  // namespace calque
