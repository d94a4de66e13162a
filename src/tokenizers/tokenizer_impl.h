// What the public classes are handles of.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calque/tokenizers.h"
#include "tokenizers/encoding_builder.h"
#include "tokenizers/text_encoder.h"
#include "tokenizers/tokenizer_parts.h"

namespace calque {

class TokenizerImpl {
 public:
  /// Prepares the search for added tokens.
  explicit TokenizerImpl(TokenizerParts parts);

  /// Encodes `count` inputs; read(i, encoder, input) makes the tokens of the i-th.
  using Reader = std::function<void(size_t, TextEncoder&, TokenizedInput&)>;
  std::vector<Encoding> encode(size_t count, const EncodeOptions& options, const Reader& read) const;

  std::string decode(std::span<const int64_t> ids, const DecodeOptions& options) const;
  std::optional<int64_t> token_to_id(std::string_view token) const;
  /// Empty when no token has this id.
  std::optional<std::string_view> id_to_token(int64_t id) const;
  /// The id of the unknown token when `token` has none.
  int64_t convert_token(std::string_view token) const;

  const TokenizerParts& parts() const { return parts_; }
  const TokenizerSettings& settings() const { return parts_.settings; }
  std::vector<std::string> all_special_tokens() const;

 private:
  TokenizerParts parts_;
};

}  // namespace calque
