// For tests of tokenizers: a small tokenizer.json.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"

namespace calque::testing_support {

/// The members of a tokenizer.json, each as JSON text, to be changed one by one.
struct TokenizerJsonText {
  std::string version = R"("1.0")";
  std::string added_tokens = R"([
    {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
     "special": true},
    {"id": 1, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
     "special": true},
    {"id": 2, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
     "special": true},
    {"id": 3, "content": "[SEP]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
     "special": true},
    {"id": 4, "content": "[MASK]", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false,
     "special": true}])";
  std::string normalizer = R"({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
    "strip_accents": null, "lowercase": true})";
  std::string pre_tokenizer = R"({"type": "BertPreTokenizer"})";
  std::string post_processor = R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
    "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                       "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}})";
  std::string decoder = R"({"type": "WordPiece", "prefix": "##", "cleanup": true})";
  std::string unk_token = R"("[UNK]")";
  std::string max_input_chars_per_word = "100";
  std::string vocab = R"({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "un": 5, "##believ": 6,
    "##able": 7, "the": 8, "cafe": 9, "!": 10, ",": 11, "the##": 12, "漢": 13, "a": 14, "##a": 15, "##b": 16})";

  std::string text() const {
    return cat(R"({"version": )", version, R"(, "truncation": null, "padding": null, "added_tokens": )",
               added_tokens, R"(, "normalizer": )", normalizer, R"(, "pre_tokenizer": )", pre_tokenizer,
               R"(, "post_processor": )", post_processor, R"(, "decoder": )", decoder,
               R"(, "model": {"type": "WordPiece", "unk_token": )", unk_token,
               R"(, "continuing_subword_prefix": "##", "max_input_chars_per_word": )",
               max_input_chars_per_word, R"(, "vocab": )", vocab, "}}");
  }
};

}  // namespace calque::testing_support
