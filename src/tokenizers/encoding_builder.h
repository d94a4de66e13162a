// Makes encodings of tokens: truncation, special tokens, overflowing parts, padding.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calque/tokenizers.h"
#include "tokenizers/text_encoder.h"
#include "tokenizers/tokenizer_parts.h"
#include "tokenizers/truncation.h"

namespace calque {

/// EncodeOptions after the tokenizer's defaults were filled in and checked.
struct ResolvedOptions {
  EncodeOptions options;
  TruncationOptions truncation;  ///< max_length counts special tokens here.
  PaddingStrategy padding = PaddingStrategy::kDoNotPad;
  size_t padded_length = 0;  ///< For PaddingStrategy::kMaxLength.
  size_t pad_to_multiple_of = 1;
  Side padding_side = Side::kRight;
  uint32_t pad_id = 0;
  std::string pad_token;
};

/// Throws ValueError on options that contradict each other.
ResolvedOptions resolve_options(const EncodeOptions& options, const TokenizerParts& parts);

/// Tokens of one input: a text, or a pair.
struct TokenizedInput {
  TextTokens first;
  std::optional<TextTokens> second;
};

/// One encoding per input.
std::vector<Encoding> build_encodings(std::span<const TokenizedInput> inputs, const ResolvedOptions& options,
                                      const TokenizerParts& parts);

}  // namespace calque
