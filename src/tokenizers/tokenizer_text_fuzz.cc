// Any bytes as text: offsets stay inside and in order, words agree with tokens, ids decode.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "calque/tokenizers.h"
#include "tokenizers/tokenizer_testing.h"

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

void check_encoding(const calque::Encoding& encoding, size_t text_size) {
  require(encoding.tokens.size() == encoding.size() && encoding.offset_mapping.size() == encoding.size());
  int64_t last = 0;
  for (size_t i = 0; i < encoding.size(); ++i) {
    const auto [begin, end] = encoding.offset_mapping[i];
    require(0 <= begin && begin <= end && end <= static_cast<int64_t>(text_size));
    if (!encoding.word_ids[i]) continue;
    require(begin < end && begin >= last);
    last = begin;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const calque::Tokenizer uncased =
      calque::Tokenizer::from_json(calque::testing_support::TokenizerJsonText().text());
  static const calque::Tokenizer cased = calque::Tokenizer::from_files(
      {{"tokenizer.json", calque::testing_support::TokenizerJsonText().text()},
       {"tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer", "do_lower_case": false,
                                     "additional_special_tokens": [{"content": "<x>", "rstrip": true}, "é"]})"}});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const calque::Tokenizer* tokenizer : {&uncased, &cased}) {
    const calque::Encoding characters = tokenizer->encode(text);
    const calque::Encoding bytes = tokenizer->encode(text, {.offset_unit = calque::OffsetUnit::kByte});
    check_encoding(characters, size);
    check_encoding(bytes, size);
    require(characters.input_ids == bytes.input_ids);
    tokenizer->decode(bytes.input_ids);
    tokenizer->encode_words({std::string(text.substr(0, size / 2)), std::string(text.substr(size / 2))});
  }
  return 0;
}
