// The public classes: each call is handed to the implementation.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "calque/tokenizers.h"
#include "tokenizers/load_pretrained.h"
#include "tokenizers/tokenizer_impl.h"

namespace calque {

namespace {

template <class A, class B>
void check_same_count(const A& first, const B& second) {
  if (first.size() == second.size()) return;
  throw ValueError(cat("There are ", first.size(), " texts and ", second.size(),
                       " second texts; pairs need as many of one as of the other."));
}

void read(TextEncoder& encoder, std::string_view text, TextTokens& out) { encoder.encode(text, out); }
void read(TextEncoder& encoder, const std::vector<std::string>& words, TextTokens& out) {
  encoder.encode_words(words, out);
}

template <class Text>
Encoding encode_one(const TokenizerImpl& impl, const Text& text, const Text* pair,
                    const EncodeOptions& options) {
  std::vector<Encoding> encodings =
      impl.encode(1, options, [&](size_t, TextEncoder& encoder, TokenizedInput& input) {
        read(encoder, text, input.first);
        if (pair != nullptr) read(encoder, *pair, input.second.emplace());
      });
  return std::move(encodings.front());
}

template <class Text>
std::vector<Encoding> encode_many(const TokenizerImpl& impl, const std::vector<Text>& texts,
                                  const std::vector<Text>* pairs, const EncodeOptions& options) {
  if (pairs != nullptr) check_same_count(texts, *pairs);
  return impl.encode(texts.size(), options, [&](size_t i, TextEncoder& encoder, TokenizedInput& input) {
    read(encoder, texts[i], input.first);
    if (pairs != nullptr) read(encoder, (*pairs)[i], input.second.emplace());
  });
}

std::optional<int64_t> special_id(const TokenizerImpl& impl, SpecialToken token) {
  const std::optional<std::string>& text = impl.settings().special(token);
  if (!text) return std::nullopt;
  return impl.convert_token(*text);
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const TokenizerImpl> impl) : impl_(std::move(impl)) {}

Tokenizer Tokenizer::from_pretrained(const std::string& directory) {
  return Tokenizer(load_pretrained(read_tokenizer_files(directory), TokenizerClass::kAuto));
}

Tokenizer Tokenizer::from_files(const std::map<std::string, std::string, std::less<>>& files) {
  return Tokenizer(load_pretrained(pick_tokenizer_files(files), TokenizerClass::kAuto));
}

Tokenizer Tokenizer::from_json(std::string_view tokenizer_json) {
  return Tokenizer(load_tokenizer_json(tokenizer_json));
}

std::vector<std::string> Tokenizer::tokenize(std::string_view text) const {
  return encode(text, {.add_special_tokens = false,
                       .return_token_type_ids = false,
                       .return_attention_mask = false,
                       .return_special_tokens_mask = false,
                       .return_offsets_mapping = false,
                       .return_word_ids = false,
                       .return_sequence_ids = false})
      .tokens;
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  return encode_one<std::string_view>(*impl_, text, nullptr, options);
}

Encoding Tokenizer::encode(std::string_view text, std::string_view text_pair,
                           const EncodeOptions& options) const {
  return encode_one<std::string_view>(*impl_, text, &text_pair, options);
}

Encoding Tokenizer::encode_words(const std::vector<std::string>& words, const EncodeOptions& options) const {
  return encode_one<std::vector<std::string>>(*impl_, words, nullptr, options);
}

Encoding Tokenizer::encode_words(const std::vector<std::string>& words,
                                 const std::vector<std::string>& words_pair,
                                 const EncodeOptions& options) const {
  return encode_one(*impl_, words, &words_pair, options);
}

std::vector<Encoding> Tokenizer::encode_batch(const std::vector<std::string>& texts,
                                              const EncodeOptions& options) const {
  return encode_many<std::string>(*impl_, texts, nullptr, options);
}

std::vector<Encoding> Tokenizer::encode_batch(const std::vector<std::string>& texts,
                                              const std::vector<std::string>& text_pairs,
                                              const EncodeOptions& options) const {
  return encode_many(*impl_, texts, &text_pairs, options);
}

std::vector<Encoding> Tokenizer::encode_words_batch(const std::vector<std::vector<std::string>>& words,
                                                    const EncodeOptions& options) const {
  return encode_many<std::vector<std::string>>(*impl_, words, nullptr, options);
}

std::vector<Encoding> Tokenizer::encode_words_batch(const std::vector<std::vector<std::string>>& words,
                                                    const std::vector<std::vector<std::string>>& words_pairs,
                                                    const EncodeOptions& options) const {
  return encode_many(*impl_, words, &words_pairs, options);
}

std::string Tokenizer::decode(std::span<const int64_t> ids, const DecodeOptions& options) const {
  return impl_->decode(ids, options);
}

std::vector<int64_t> Tokenizer::convert_tokens_to_ids(const std::vector<std::string>& tokens) const {
  std::vector<int64_t> ids;
  ids.reserve(tokens.size());
  for (const std::string& token : tokens) ids.push_back(impl_->convert_token(token));
  return ids;
}

int64_t Tokenizer::convert_tokens_to_ids(std::string_view token) const { return impl_->convert_token(token); }

std::vector<std::string> Tokenizer::convert_ids_to_tokens(std::span<const int64_t> ids,
                                                          bool skip_special_tokens) const {
  std::vector<int64_t> skipped;
  if (skip_special_tokens) skipped = all_special_ids();
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int64_t id : ids) {
    if (std::find(skipped.begin(), skipped.end(), id) != skipped.end()) continue;
    const std::optional<std::string_view> token = impl_->id_to_token(id);
    if (!token) {
      throw IndexError(cat("No token has the id ", id, "; the vocabulary has ", size(), " tokens."));
    }
    tokens.emplace_back(*token);
  }
  return tokens;
}

std::optional<int64_t> Tokenizer::token_to_id(std::string_view token) const {
  return impl_->token_to_id(token);
}

std::optional<std::string> Tokenizer::id_to_token(int64_t id) const {
  const std::optional<std::string_view> token = impl_->id_to_token(id);
  if (!token) return std::nullopt;
  return std::string(*token);
}

int64_t Tokenizer::vocab_size() const { return static_cast<int64_t>(impl_->parts().model->vocab().size()); }

int64_t Tokenizer::size() const {
  return vocab_size() +
         static_cast<int64_t>(impl_->parts().added.count_outside(impl_->parts().model->vocab()));
}

int64_t Tokenizer::num_special_tokens_to_add(bool pair) const {
  return static_cast<int64_t>(impl_->parts().post_processor.added_tokens(pair));
}

int64_t Tokenizer::model_max_length() const { return impl_->settings().model_max_length; }
Side Tokenizer::padding_side() const { return impl_->settings().padding_side; }
Side Tokenizer::truncation_side() const { return impl_->settings().truncation_side; }

std::optional<std::string> Tokenizer::bos_token() const {
  return impl_->settings().special(SpecialToken::kBos);
}
std::optional<std::string> Tokenizer::eos_token() const {
  return impl_->settings().special(SpecialToken::kEos);
}
std::optional<std::string> Tokenizer::unk_token() const {
  return impl_->settings().special(SpecialToken::kUnk);
}
std::optional<std::string> Tokenizer::sep_token() const {
  return impl_->settings().special(SpecialToken::kSep);
}
std::optional<std::string> Tokenizer::pad_token() const {
  return impl_->settings().special(SpecialToken::kPad);
}
std::optional<std::string> Tokenizer::cls_token() const {
  return impl_->settings().special(SpecialToken::kCls);
}
std::optional<std::string> Tokenizer::mask_token() const {
  return impl_->settings().special(SpecialToken::kMask);
}
std::vector<std::string> Tokenizer::additional_special_tokens() const {
  return impl_->settings().additional_special_tokens;
}
std::vector<std::string> Tokenizer::all_special_tokens() const { return impl_->all_special_tokens(); }

std::optional<int64_t> Tokenizer::bos_token_id() const { return special_id(*impl_, SpecialToken::kBos); }
std::optional<int64_t> Tokenizer::eos_token_id() const { return special_id(*impl_, SpecialToken::kEos); }
std::optional<int64_t> Tokenizer::unk_token_id() const { return special_id(*impl_, SpecialToken::kUnk); }
std::optional<int64_t> Tokenizer::sep_token_id() const { return special_id(*impl_, SpecialToken::kSep); }
std::optional<int64_t> Tokenizer::pad_token_id() const { return special_id(*impl_, SpecialToken::kPad); }
std::optional<int64_t> Tokenizer::cls_token_id() const { return special_id(*impl_, SpecialToken::kCls); }
std::optional<int64_t> Tokenizer::mask_token_id() const { return special_id(*impl_, SpecialToken::kMask); }

std::vector<int64_t> Tokenizer::all_special_ids() const {
  return convert_tokens_to_ids(all_special_tokens());
}

BertTokenizer::BertTokenizer(std::shared_ptr<const TokenizerImpl> impl) : Tokenizer(std::move(impl)) {}

BertTokenizer::BertTokenizer(const std::string& vocab_file, const BertTokenizerOptions& options)
    : Tokenizer(load_bert_vocab(vocab_file, options)) {}

BertTokenizer BertTokenizer::from_pretrained(const std::string& directory) {
  return BertTokenizer(load_pretrained(read_tokenizer_files(directory), TokenizerClass::kBert));
}

}  // namespace calque
