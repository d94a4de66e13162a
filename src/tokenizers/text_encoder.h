// One text through the stages: added tokens, normalizer, pre-tokenizer, model; with offsets into the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer_parts.h"

namespace calque {

/// A token of a text.
struct TextToken {
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t id;
  uint32_t index;  ///< In the model's vocabulary; kNone for added tokens.
  uint32_t begin;  ///< Offsets in the text, in the unit that was asked for.
  uint32_t end;
  uint32_t word;      ///< Index of its word.
  uint32_t spelling;  ///< In TextTokens::spellings, for an added token that took more than its content; else
                      ///< kNone.
};

struct TextTokens {
  std::vector<TextToken> tokens;
  std::vector<std::string> spellings;
};

/// Runs texts through the stages; keeps its memory from text to text. One thread at a time.
class TextEncoder {
 public:
  TextEncoder(const TokenizerParts& parts, OffsetUnit unit, bool split_special_tokens)
      : parts_(parts), unit_(unit), split_special_tokens_(split_special_tokens) {}

  /// Appends the tokens of `text`, with words numbered from 0. Throws LimitError for a text of more than 1
  /// GiB.
  void encode(std::string_view text, TextTokens& out);
  /// The same for each of `words`, whose index numbers the word; offsets are relative to the word.
  void encode_words(const std::vector<std::string>& words, TextTokens& out);

 private:
  void run_stages(std::string_view text, TextTokens& out);
  void encode_between(std::string_view text, const AddedSplit& split, TextTokens& out);
  void encode_piece(TextRange piece, TextTokens& out);
  void push_added(uint32_t id, TextRange origin, std::string_view spelling, TextTokens& out);

  const TokenizerParts& parts_;
  const OffsetUnit unit_;
  const bool split_special_tokens_;
  uint32_t word_ = 0;
  AddedSplitScratch scratch_;
  std::vector<AddedSplit> splits_;
  std::vector<AddedSplit> inner_splits_;
  NormalizedText normalized_;
  std::vector<TextRange> words_;
  std::vector<ModelToken> model_tokens_;
};

}  // namespace calque
