#include "tokenizers/text_encoder.h"

#include "base/text.h"
#include "calque/error.h"
#include "tokenizers/utf8.h"

namespace calque {

namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

// Turns byte offsets into character offsets, quickly for offsets that grow.
class CharacterCounter {
 public:
  explicit CharacterCounter(std::string_view text) : text_(text) {}

  uint32_t at(uint32_t byte) {
    for (; byte_ < byte; ++byte_) characters_ += is_utf8_continuation(text_[byte_]) ? 0 : 1;
    for (; byte_ > byte; --byte_) characters_ -= is_utf8_continuation(text_[byte_ - 1]) ? 0 : 1;
    return characters_;
  }

 private:
  std::string_view text_;
  uint32_t byte_ = 0;
  uint32_t characters_ = 0;
};

void count_in_characters(std::string_view text, size_t first, TextTokens& out) {
  CharacterCounter begin(text);
  CharacterCounter end(text);
  for (size_t i = first; i < out.tokens.size(); ++i) {
    out.tokens[i].begin = begin.at(out.tokens[i].begin);
    out.tokens[i].end = end.at(out.tokens[i].end);
  }
}

}  // namespace

void TextEncoder::encode(std::string_view text, TextTokens& out) {
  word_ = 0;
  run_stages(text, out);
}

void TextEncoder::encode_words(const std::vector<std::string>& words, TextTokens& out) {
  for (uint32_t i = 0; i < words.size(); ++i) {
    const size_t first = out.tokens.size();
    run_stages(words[i], out);
    for (size_t k = first; k < out.tokens.size(); ++k) out.tokens[k].word = i;
  }
}

void TextEncoder::run_stages(std::string_view text, TextTokens& out) {
  if (text.size() > kMaxTextBytes) {
    throw LimitError(cat("A text has ", text.size(), " bytes; at most ", kMaxTextBytes,
                         " are supported. Split it, for example at paragraphs."));
  }
  RepairedText repaired;
  const bool valid = is_valid_utf8(text);
  if (!valid) {
    repaired = repair_utf8(text);
    text = repaired.text;
  }
  const size_t first = out.tokens.size();
  splits_.clear();
  parts_.added.split(text, false, split_special_tokens_, scratch_, splits_);
  for (const AddedSplit& split : splits_) {
    if (split.id) {
      push_added(*split.id, {split.begin, split.end}, text.substr(split.begin, split.end - split.begin), out);
    } else {
      encode_between(text, split, out);
    }
  }
  if (unit_ == OffsetUnit::kCharacter) {
    if (!is_ascii(text)) count_in_characters(text, first, out);
  } else if (!valid) {
    for (size_t i = first; i < out.tokens.size(); ++i) {
      out.tokens[i].begin = repaired.source[out.tokens[i].begin];
      out.tokens[i].end = repaired.source[out.tokens[i].end];
    }
  }
}

void TextEncoder::encode_between(std::string_view text, const AddedSplit& split, TextTokens& out) {
  normalized_.text.assign(text, split.begin, split.end - split.begin);
  normalized_.origins.clear();
  normalized_.base = split.begin;
  if (parts_.normalizer != nullptr) parts_.normalizer->normalize(normalized_);
  inner_splits_.clear();
  parts_.added.split(normalized_.text, true, split_special_tokens_, scratch_, inner_splits_);
  for (const AddedSplit& inner : inner_splits_) {
    if (inner.id) {
      push_added(*inner.id, normalized_.origin(inner.begin, inner.end),
                 std::string_view(normalized_.text).substr(inner.begin, inner.end - inner.begin), out);
    } else {
      encode_piece({inner.begin, inner.end}, out);
    }
  }
}

void TextEncoder::encode_piece(TextRange piece, TextTokens& out) {
  words_.clear();
  if (parts_.pre_tokenizer != nullptr) {
    parts_.pre_tokenizer->pre_tokenize(normalized_, piece, words_);
  } else {
    words_.push_back(piece);
  }
  const std::string_view text = normalized_.text;
  const Vocab& vocab = parts_.model->vocab();
  for (const TextRange& word : words_) {
    model_tokens_.clear();
    parts_.model->tokenize(text.substr(word.begin, word.end - word.begin), model_tokens_);
    for (const ModelToken& token : model_tokens_) {
      const TextRange origin = normalized_.origin(word.begin + token.begin, word.begin + token.end);
      out.tokens.push_back(
          {vocab.id(token.index), token.index, origin.begin, origin.end, word_, TextToken::kNone});
    }
    ++word_;
  }
}

void TextEncoder::push_added(uint32_t id, TextRange origin, std::string_view spelling, TextTokens& out) {
  TextToken token = {id, TextToken::kNone, origin.begin, origin.end, word_++, TextToken::kNone};
  const AddedToken* added = parts_.added.find_id(id);
  if (added == nullptr || added->content != spelling) {
    token.spelling = static_cast<uint32_t>(out.spellings.size());
    out.spellings.emplace_back(spelling);
  }
  out.tokens.push_back(token);
}

}  // namespace calque
