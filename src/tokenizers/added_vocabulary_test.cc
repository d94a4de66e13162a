#include "tokenizers/added_vocabulary.h"

#include <gtest/gtest.h>

#include <string>

#include "calque/error.h"
#include "tokenizers/bert_normalizer.h"

namespace calque {
namespace {

struct Fixture {
  Vocab vocab;
  AddedVocabulary added;

  explicit Fixture(const std::vector<AddedToken>& tokens) {
    vocab.add("a", 0);
    vocab.add("[MASK]", 1);
    vocab.finish();
    added.add(tokens, vocab);
    added.finish(vocab, nullptr);
  }

  // Splits as text, added tokens in angle brackets.
  std::string split(std::string_view text, bool normalized = false, bool split_special_tokens = false) const {
    AddedSplitScratch scratch;
    std::vector<AddedSplit> splits;
    added.split(text, normalized, split_special_tokens, scratch, splits);
    std::string out;
    for (const AddedSplit& part : splits) {
      const std::string piece(text.substr(part.begin, part.end - part.begin));
      out += part.id ? "<" + piece + ">" : piece + ".";
    }
    return out;
  }
};

TEST(AddedVocabulary, GivesIdsAsTheReference) {
  const Fixture f(
      {{.content = "[MASK]"}, {.content = "x"}, {.content = ""}, {.content = "y"}, {.content = "x"}});
  EXPECT_EQ(f.added.token_to_id("[MASK]"), 1U);
  EXPECT_EQ(f.added.token_to_id("x"), 2U);
  EXPECT_EQ(f.added.token_to_id("y"), 3U);
  EXPECT_EQ(f.added.count_outside(f.vocab), 2U);
  EXPECT_EQ(f.added.find_id(3)->content, "y");
  EXPECT_EQ(f.added.find_id(0), nullptr);
}

TEST(AddedVocabulary, ObeysFlags) {
  const Fixture f({{.content = "[MASK]", .lstrip = true, .normalized = false, .special = true},
                   {.content = "cat", .single_word = true, .normalized = false},
                   {.content = "<r>", .rstrip = true, .normalized = false},
                   {.content = "Norm", .normalized = true}});
  EXPECT_EQ(f.split("a  [MASK] b"), "a.<  [MASK]> b.");
  EXPECT_EQ(f.split("a [MASK]", false, true), "a [MASK].");
  EXPECT_EQ(f.split("cat cats,cat"), "<cat> cats,.<cat>");
  EXPECT_EQ(f.split("écat"), "écat.");
  EXPECT_EQ(f.split("x<r>\n\u3000y"), "x.<<r>\n\u3000>y.");
  EXPECT_EQ(f.split("<r>  [MASK]"), "<<r>  ><[MASK]>");
  EXPECT_EQ(f.split("Norm"), "Norm.");
  EXPECT_EQ(f.split("Norm", true), "<Norm>");
  EXPECT_EQ(f.split(""), "");
}

TEST(AddedVocabulary, NormalizesWhatIsLookedForAfterwards) {
  Fixture f({});
  f.added.add({{.content = "ÉCOLE", .normalized = true}}, f.vocab);
  const BertNormalizer normalizer{BertNormalizerOptions()};
  f.added.finish(f.vocab, &normalizer);
  EXPECT_EQ(f.split("une ecole", true), "une .<ecole>");
}

TEST(AddedVocabulary, LimitsWhiteSpaceThatStripsWhiteSpace) {
  const Fixture f({{.content = " ", .rstrip = true, .normalized = false}});
  EXPECT_EQ(f.split("a  b"), "a.<  >< >b.");
  EXPECT_THROW(f.split(std::string(100'000, ' ')), LimitError);
}

TEST(AddedVocabulary, TakesManyTokens) {
  std::vector<AddedToken> tokens;
  for (int i = 0; i < 100'000; ++i)
    tokens.push_back({.content = "<" + std::to_string(i) + ">", .normalized = false});
  const Fixture f(tokens);
  EXPECT_EQ(f.split("x<99999><123456>"), "x.<<99999>><123456>.");
}

TEST(AddedVocabulary, RefusesIdsBeyondTheLast) {
  Vocab vocab;
  vocab.add("a", UINT32_MAX);
  vocab.finish();
  AddedVocabulary added;
  added.add({{.content = "a"}}, vocab);
  EXPECT_THROW(added.add({{.content = "b"}}, vocab), LoadError);
}

}  // namespace
}  // namespace calque
