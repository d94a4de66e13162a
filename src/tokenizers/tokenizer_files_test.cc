// Malformed and hostile tokenizer files: a typed error that names the place, or a tokenizer; never more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "calque/tokenizers.h"
#include "formats/hostile_testing.h"
#include "tokenizers/tokenizer_testing.h"
#include "tokenizers/vocab_txt.h"

namespace calque {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TokenizerJsonText;
using Files = std::map<std::string, std::string, std::less<>>;

constexpr char kVocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncafe\n##s\n";

template <class E>
void expect_fails(const Files& files, const std::string& first, const std::string& second) {
  EXPECT_THAT([&] { Tokenizer::from_files(files); },
              ThrowsMessage<E>(AllOf(HasSubstr(first), HasSubstr(second))));
}

template <class E = LoadError>
void expect_json_fails(std::string TokenizerJsonText::* member, const std::string& text,
                       const std::string& why) {
  TokenizerJsonText json;
  json.*member = text;
  expect_fails<E>({{"tokenizer.json", json.text()}}, "tokenizer.json", why);
}

TEST(TokenizerFiles, NamesComponentsThatAreNotSupported) {
  using T = TokenizerJsonText;
  expect_json_fails<NotImplementedError>(&T::normalizer, R"({"type": "NFKC"})", "normalizer \"NFKC\"");
  expect_json_fails<NotImplementedError>(&T::pre_tokenizer, R"({"type": "ByteLevel"})",
                                         "pre-tokenizer \"ByteLevel\"");
  expect_json_fails<NotImplementedError>(&T::post_processor, R"({"type": "RobertaProcessing"})",
                                         "RobertaProcessing");
  expect_json_fails<NotImplementedError>(&T::decoder, R"({"type": "BPEDecoder"})", "decoder \"BPEDecoder\"");
  expect_json_fails<NotImplementedError>(&T::version, R"("2.0")", "version");
  expect_fails<NotImplementedError>({{"tokenizer.json", R"({"model": {"type": "BPE", "vocab": {}}})"}},
                                    "model", "BPE");
  expect_fails<NotImplementedError>(
      {{"vocab.txt", kVocab}, {"tokenizer_config.json", R"({"tokenizer_class": "XTok"})"}},
      "tokenizer_config.json", "XTok");
}

TEST(TokenizerFiles, RefusesWrongTypesAndRanges) {
  using T = TokenizerJsonText;
  expect_json_fails(&T::vocab, R"({"a": -1})", "the id -1");
  expect_json_fails(&T::vocab, R"({"a": 4294967296})", "the id 4294967296");
  expect_json_fails(&T::vocab, R"({"a": "0"})", "an integer is expected");
  expect_json_fails(&T::vocab, R"({"a": 1.5})", "an integer is expected");
  expect_json_fails(&T::vocab, "[1]", "vocab");
  expect_json_fails(&T::max_input_chars_per_word, "-5", "negative");
  expect_json_fails(&T::max_input_chars_per_word, "true", "max_input_chars_per_word");
  expect_json_fails(&T::unk_token, "7", "unk_token");
  expect_json_fails(&T::added_tokens, R"([{"id": -2, "content": "x"}])", "the id -2");
  expect_json_fails(&T::added_tokens, R"([{"content": "x"}])", "without an integer \"id\"");
  expect_json_fails(&T::added_tokens, R"([{"id": 1, "content": 2}])", "content");
  expect_json_fails(&T::added_tokens, R"([7])", "content");
  expect_json_fails(&T::added_tokens, R"([{"id": 1, "content": "x", "lstrip": 1}])", "lstrip");
  expect_json_fails(&T::normalizer, R"({"type": "BertNormalizer", "clean_text": 1})", "clean_text");
  expect_json_fails(&T::decoder, R"({"type": "WordPiece", "prefix": "##"})", "cleanup");
}

TEST(TokenizerFiles, RefusesTemplatesThatDoNotHold) {
  const auto fails = [](const std::string& text, const std::string& why) {
    expect_json_fails(&TokenizerJsonText::post_processor, text, why);
  };
  const std::string start = R"({"type": "TemplateProcessing", "single": )";
  const std::string pair =
      R"([{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}])";
  fails(start + pair + R"(, "pair": )" + pair + R"(, "special_tokens": {}})", "uses the text B");
  fails(start + R"([], "pair": [], "special_tokens": {}})", "both texts");
  fails(start + R"([{"SpecialToken": {"id": "X", "type_id": 0}}], "pair": [], "special_tokens": {}})", "X");
  fails(start + R"([{"Sequence": {"id": "C", "type_id": 0}}], "pair": [], "special_tokens": {}})",
        "names the text");
  fails(start + R"([{"Sequence": {"id": "A", "type_id": -1}}], "pair": [], "special_tokens": {}})",
        "type_id");
  fails(start + R"([], "pair": [], "special_tokens": {"X": {"ids": [1, 2], "tokens": ["x"]}}})",
        "same length");
  fails(start + R"([], "pair": [], "special_tokens": {"X": {"ids": [-1], "tokens": ["x"]}}})", "range");
  fails(R"({"type": "BertProcessing", "sep": ["[SEP]"], "cls": ["[CLS]", 2]})", "pair of a token");
}

TEST(TokenizerFiles, RefusesFilesThatAreNoJson) {
  const std::string nested = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"), nested,
        std::string("{\"model\": ") + nested + "}", std::string("\xFF\xFE")}) {
    EXPECT_THROW(Tokenizer::from_json(text), LoadError) << text.substr(0, 20);
    EXPECT_THROW(Tokenizer::from_files({{"vocab.txt", kVocab}, {"tokenizer_config.json", text}}), LoadError);
    EXPECT_THROW(Tokenizer::from_files({{"vocab.txt", kVocab}, {"special_tokens_map.json", text}}),
                 LoadError);
    EXPECT_THROW(Tokenizer::from_files({{"vocab.txt", kVocab}, {"added_tokens.json", text}}), LoadError);
  }
}

TEST(TokenizerFiles, RefusesWrongConfigurations) {
  const auto fails = [](const char* name, const std::string& text, const std::string& why) {
    expect_fails<LoadError>({{"vocab.txt", kVocab}, {name, text}}, name, why);
  };
  fails("tokenizer_config.json", R"({"do_lower_case": "yes"})", "do_lower_case");
  fails("tokenizer_config.json", R"({"model_max_length": -1})", "negative");
  fails("tokenizer_config.json", R"({"padding_side": "up"})", "padding_side");
  fails("tokenizer_config.json", R"({"cls_token": 7})", "cls_token");
  fails("tokenizer_config.json", R"({"cls_token": {"lstrip": true}})", "content");
  fails("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "a"}}})",
        "not the id of a token");
  fails("tokenizer_config.json", R"({"added_tokens_decoder": {"1": 2}})", "content");
  fails("tokenizer_config.json", R"({"additional_special_tokens": "x"})", "additional_special_tokens");
  fails("tokenizer_config.json", R"({"cls_token": null})", "cls_token");
  fails("added_tokens.json", R"({"x": "1"})", "an integer is expected");
}

TEST(TokenizerFiles, RefusesBadVocabularies) {
  expect_fails<LoadError>({{"vocab.txt", "a\nb\xFF\n"}}, "vocab.txt", "line 2 is not UTF-8");
  expect_fails<LoadError>({{"vocab.txt", ""}}, "vocab.txt", "is empty");
  expect_fails<LoadError>({}, "neither tokenizer.json nor vocab.txt", "");
  EXPECT_THROW(Tokenizer::from_pretrained("/nonexistent/directory"), LoadError);
  EXPECT_THROW(BertTokenizer("/nonexistent/vocab.txt"), LoadError);
}

TEST(TokenizerFiles, TakesOddButValidFiles) {
  TokenizerJsonText json;
  json.vocab = R"({"[UNK]": 7, "\u0000": 8, "the": 4000000000, "": 3, "\ud83d\ude00": 2})";
  json.added_tokens = "[]";
  json.normalizer = json.pre_tokenizer = json.post_processor = json.decoder = "null";
  json.max_input_chars_per_word = "9223372036854775807";
  const Tokenizer tokenizer = Tokenizer::from_json(json.text());
  EXPECT_EQ(tokenizer.encode("the").input_ids, (std::vector<int64_t>{4'000'000'000}));
  EXPECT_EQ(tokenizer.encode(std::string_view("\0", 1)).input_ids, (std::vector<int64_t>{8}));
  EXPECT_EQ(tokenizer.encode("😀").input_ids, (std::vector<int64_t>{2}));
  EXPECT_EQ(tokenizer.encode(std::string(1'000'000, 'x')).input_ids, (std::vector<int64_t>{7}));
  EXPECT_EQ(tokenizer.decode(std::vector<int64_t>{4'000'000'000, 2}), "the 😀");
  const Vocab vocab = parse_vocab_txt("a\r\nb\rc\n\nd", "vocab.txt");
  EXPECT_EQ(vocab.token_to_id("d"), 4U);
  EXPECT_EQ(vocab.token_to_id(""), 3U);
}

TEST(TokenizerFiles, TakesLongTokens) {
  TokenizerJsonText json;
  json.vocab = R"({"[UNK]": 0, "a": 1, "##)" + std::string(1'000'000, 'a') + R"(": 2})";
  json.added_tokens = R"([{"id": 5, "content": ")" + std::string(1'000'000, 'b') + R"("}])";
  const Tokenizer tokenizer = Tokenizer::from_json(json.text());
  EXPECT_EQ(tokenizer.tokenize(std::string(1'000'000, 'b')).size(), 1U);
  EXPECT_EQ(tokenizer.tokenize(std::string(1'000'001, 'a')).size(), 1U);
}

// What a damaged file may also cause: a component that is no longer known, an id that is used up.
template <class Read>
void expect_typed_errors(std::string_view good, size_t flips, const Read& read) {
  testing_support::expect_survives_damage(good, flips, [&](std::string_view bytes) {
    try {
      read(std::string(bytes));
    } catch (const NotImplementedError& error) {
      throw LoadError(error.msg());
    } catch (const ValueError& error) {
      throw LoadError(error.msg());
    } catch (const LimitError& error) {
      throw LoadError(error.msg());
    }
  });
}

void use(const Tokenizer& tokenizer) {
  const Encoding encoding = tokenizer.encode(
      "The unbelievable\u0301 café, [MASK] 漢!", "the \xFF the",
      {.truncation = TruncationStrategy::kLongestFirst, .max_length = 6, .return_overflowing_tokens = true});
  tokenizer.decode(encoding.input_ids);
}

TEST(TokenizerFiles, SurvivesDamage) {
  expect_typed_errors(TokenizerJsonText().text(), 5000,
                      [](const std::string& bytes) { use(Tokenizer::from_json(bytes)); });
  expect_typed_errors(kVocab, 2000,
                      [](const std::string& bytes) { use(Tokenizer::from_files({{"vocab.txt", bytes}})); });
  const std::string config = R"({"do_lower_case": true, "cls_token": {"content": "[CLS]", "lstrip": false},
      "added_tokens_decoder": {"0": {"content": "[PAD]", "special": true}, "9": {"content": "<x>"}},
      "additional_special_tokens": ["<y>"], "model_max_length": 512, "padding_side": "left"})";
  expect_typed_errors(config, 3000, [](const std::string& bytes) {
    use(Tokenizer::from_files({{"vocab.txt", kVocab}, {"tokenizer_config.json", bytes}}));
  });
}

}  // namespace
}  // namespace calque
