#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "calque/tokenizers.h"
#include "tokenizers/tokenizer_testing.h"

namespace calque {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TokenizerJsonText;
using Ids = std::vector<int64_t>;
using Strings = std::vector<std::string>;

Tokenizer small(
    const std::string& config = R"({"tokenizer_class": "BertTokenizer", "model_max_length": 8})") {
  return Tokenizer::from_files(
      {{"tokenizer.json", TokenizerJsonText().text()}, {"tokenizer_config.json", config}});
}

TEST(Tokenizer, EncodesAText) {
  const Encoding encoding = small().encode("Unbelievable  [MASK] Café!");
  EXPECT_EQ(encoding.tokens,
            (Strings{"[CLS]", "un", "##believ", "##able", "  [MASK]", "cafe", "!", "[SEP]"}));
  EXPECT_EQ(encoding.input_ids, (Ids{2, 5, 6, 7, 4, 9, 10, 3}));
  EXPECT_EQ(encoding.attention_mask, (Ids{1, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(encoding.special_tokens_mask, (Ids{1, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(encoding.offset_mapping[4], (std::pair<int64_t, int64_t>{12, 20}));
  EXPECT_EQ(encoding.offset_mapping[6], (std::pair<int64_t, int64_t>{25, 26}));
  EXPECT_EQ(encoding.word_ids[3], 0);
  EXPECT_EQ(encoding.word_ids[5], 2);
  EXPECT_EQ(encoding.word_ids[0], std::nullopt);
  const Encoding bytes = small().encode("Café!", {.offset_unit = OffsetUnit::kByte});
  EXPECT_EQ(bytes.offset_mapping[2], (std::pair<int64_t, int64_t>{5, 6}));
}

TEST(Tokenizer, EncodesPairsAndWords) {
  const Encoding pair = small().encode("the", "cafe , the");
  EXPECT_EQ(pair.input_ids, (Ids{2, 8, 3, 9, 11, 8, 3}));
  EXPECT_EQ(pair.token_type_ids, (Ids{0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(pair.sequence_ids[1], 0);
  EXPECT_EQ(pair.sequence_ids[3], 1);
  const Encoding words = small().encode_words({"the", "the cafe", "", "!"});
  EXPECT_EQ(words.input_ids, (Ids{2, 8, 8, 9, 10, 3}));
  EXPECT_EQ(words.word_ids[3], 1);
  EXPECT_EQ(words.word_ids[4], 3);
  EXPECT_EQ(words.offset_mapping[3], (std::pair<int64_t, int64_t>{4, 8}));
  EXPECT_THROW(small().encode_batch({"a", "b"}, Strings{"c"}), ValueError);
  EXPECT_TRUE(small().encode_batch(Strings()).empty());
}

TEST(Tokenizer, TruncatesAndPads) {
  const auto batch = small().encode_batch({"the cafe", "the"}, {.padding = PaddingStrategy::kLongest});
  EXPECT_EQ(batch[1].input_ids, (Ids{2, 8, 3, 0}));
  EXPECT_EQ(batch[1].attention_mask, (Ids{1, 1, 1, 0}));
  EXPECT_EQ(batch[1].tokens.back(), "[PAD]");
  const Encoding left =
      small().encode("the", {.padding = PaddingStrategy::kMaxLength, .padding_side = Side::kLeft});
  EXPECT_EQ(left.input_ids, (Ids{0, 0, 0, 0, 0, 2, 8, 3}));
  const Encoding cut = small().encode("the cafe the cafe", {.truncation = TruncationStrategy::kLongestFirst,
                                                            .max_length = 5,
                                                            .stride = 1,
                                                            .return_overflowing_tokens = true});
  EXPECT_EQ(cut.input_ids, (Ids{2, 8, 9, 8, 3}));
  ASSERT_EQ(cut.overflowing.size(), 1U);
  EXPECT_EQ(cut.overflowing[0].input_ids, (Ids{2, 8, 9, 3}));
  EXPECT_EQ(small()
                .encode("the the the the the the the the", {.truncation = TruncationStrategy::kOnlyFirst})
                .size(),
            8U);
}

TEST(Tokenizer, RefusesContradictingOptions) {
  const Tokenizer tokenizer = small();
  const auto fails = [&](const EncodeOptions& options, const char* why) {
    EXPECT_THAT([&] { tokenizer.encode("the the the the", options); },
                ThrowsMessage<ValueError>(HasSubstr(why)));
  };
  const auto longest = TruncationStrategy::kLongestFirst;
  fails({.truncation = longest, .max_length = -1}, "max_length is -1");
  fails({.truncation = longest, .max_length = 1}, "no room for the 2 special tokens");
  fails({.truncation = longest, .max_length = 4, .stride = 3}, "tokenizer stride set to 3");
  fails({.truncation = longest, .max_length = 4, .stride = 2},
        "`stride` must be strictly less than `max_len=2`");
  fails({.truncation = TruncationStrategy::kOnlySecond, .max_length = 4}, "Second sequence not provided");
  fails(
      {.padding = PaddingStrategy::kLongest, .truncation = longest, .max_length = 6, .pad_to_multiple_of = 4},
      "is not a multiple of pad_to_multiple_of");
  fails({.padding = PaddingStrategy::kMaxLength, .max_length = INT64_MAX}, "max_length is");
  const Tokenizer without = small(R"({"tokenizer_class": "BertTokenizer", "pad_token": null})");
  EXPECT_THROW(without.encode("the", {.padding = PaddingStrategy::kLongest}), ValueError);
}

TEST(Tokenizer, LeavesOutWhatIsNotAskedFor) {
  const Encoding encoding = small().encode("the", {.return_token_type_ids = false,
                                                   .return_attention_mask = false,
                                                   .return_special_tokens_mask = false,
                                                   .return_tokens = false,
                                                   .return_offsets_mapping = false,
                                                   .return_word_ids = false,
                                                   .return_sequence_ids = false});
  EXPECT_EQ(encoding.size(), 3U);
  EXPECT_TRUE(encoding.token_type_ids.empty() && encoding.attention_mask.empty() && encoding.tokens.empty());
  EXPECT_TRUE(encoding.offset_mapping.empty() && encoding.word_ids.empty() && encoding.sequence_ids.empty());
}

TEST(Tokenizer, ReadsInvalidUtf8AsPythonDoes) {
  const Encoding characters = small().encode("the\xFF\xE2\x82 cafe");
  EXPECT_EQ(characters.tokens, (Strings{"[CLS]", "the", "cafe", "[SEP]"}));
  EXPECT_EQ(characters.offset_mapping[2], (std::pair<int64_t, int64_t>{6, 10}));
  const Encoding bytes = small().encode("the\xFF\xE2\x82 cafe", {.offset_unit = OffsetUnit::kByte});
  EXPECT_EQ(bytes.offset_mapping[2], (std::pair<int64_t, int64_t>{7, 11}));
}

TEST(Tokenizer, DecodesAndConverts) {
  const Tokenizer tokenizer = small();
  const Ids ids = {2, 5, 6, 7, 10, 3, 999, -1};
  EXPECT_EQ(tokenizer.decode(ids), "[CLS] unbelievable! [SEP]");
  EXPECT_EQ(tokenizer.decode(ids, {.skip_special_tokens = true}), "unbelievable!");
  EXPECT_EQ(tokenizer.convert_tokens_to_ids(Strings{"the", "[MASK]", "nothing"}), (Ids{8, 4, 1}));
  EXPECT_EQ(tokenizer.convert_tokens_to_ids("cafe"), 9);
  EXPECT_EQ(tokenizer.convert_ids_to_tokens(Ids{2, 8}, true), (Strings{"the"}));
  EXPECT_THROW(tokenizer.convert_ids_to_tokens(Ids{999}), IndexError);
  EXPECT_THROW(tokenizer.convert_ids_to_tokens(Ids{-1}), IndexError);
  EXPECT_EQ(tokenizer.token_to_id("nothing"), std::nullopt);
  EXPECT_EQ(tokenizer.id_to_token(8), "the");
  EXPECT_EQ(tokenizer.id_to_token(1LL << 40), std::nullopt);
  EXPECT_EQ(tokenizer.cls_token(), "[CLS]");
  EXPECT_EQ(tokenizer.pad_token_id(), 0);
  EXPECT_EQ(tokenizer.bos_token_id(), std::nullopt);
  EXPECT_EQ(tokenizer.vocab_size(), 17);
  EXPECT_EQ(tokenizer.size(), 17);
  EXPECT_EQ(tokenizer.num_special_tokens_to_add(true), 3);
  EXPECT_EQ(tokenizer.model_max_length(), 8);
  EXPECT_EQ(tokenizer.all_special_ids(), (Ids{1, 3, 0, 2, 4}));
}

TEST(Tokenizer, FromJsonKnowsNoNamedTokens) {
  const Tokenizer tokenizer = Tokenizer::from_json(TokenizerJsonText().text());
  EXPECT_EQ(tokenizer.tokenize("The cafe"), (Strings{"the", "cafe"}));
  EXPECT_EQ(tokenizer.cls_token(), std::nullopt);
  EXPECT_THROW(tokenizer.convert_tokens_to_ids("nothing"), ValueError);
  EXPECT_EQ(tokenizer.model_max_length(), INT64_MAX);
  // As in Transformers: without a limit nothing is cut or padded.
  EXPECT_EQ(tokenizer.encode("the", {.padding = PaddingStrategy::kMaxLength}).size(), 3U);
}

TEST(BertTokenizer, RunsTheGuidesLines) {
  const std::string path = testing::TempDir() + "calque_tokenizer_test_vocab.txt";
  std::ofstream(path) << "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwho\nwas\njim\nhenson\n?\na\npuppet\n##eer\n";
  const BertTokenizer enc(path);
  const std::string text = "[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]";
  std::vector<std::string> tokenized_text = enc.tokenize(text);
  const size_t masked_index = 8;
  EXPECT_EQ(tokenized_text[masked_index], "henson");
  tokenized_text[masked_index] = "[MASK]";
  const std::vector<int64_t> indexed_tokens = enc.convert_tokens_to_ids(tokenized_text);
  EXPECT_EQ(indexed_tokens, (Ids{2, 5, 6, 7, 8, 9, 3, 7, 4, 6, 10, 11, 12, 3}));
  const BertTokenizer cased(path, {.do_lower_case = false});
  EXPECT_EQ(cased.tokenize("Who"), (Strings{"[UNK]"}));
  std::remove(path.c_str());
}

TEST(Tokenizer, MayBeUsedFromManyThreads) {
  const Tokenizer tokenizer = small();
  const Encoding expected = tokenizer.encode("unbelievable café 漢 [MASK]");
  std::vector<std::thread> threads;
  std::vector<char> same(4, 0);
  for (size_t i = 0; i < same.size(); ++i) {
    threads.emplace_back([&, i] {
      bool all = true;
      for (int k = 0; k < 200; ++k) {
        all = all && tokenizer.encode("unbelievable café 漢 [MASK]").input_ids == expected.input_ids;
      }
      same[i] = all ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(same, testing::Each(1));
}

}  // namespace
}  // namespace calque
