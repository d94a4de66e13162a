// Reader of tokenizer.json.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"
#include "tokenizers/bert_normalizer.h"
#include "tokenizers/tokenizer_parts.h"

namespace calque {

/// Content of a tokenizer.json.
struct TokenizerJson {
  /// All stages but the normalizer; added tokens are in.
  TokenizerParts parts;
  std::optional<BertNormalizerOptions> normalizer;
  /// In the order of the file, with the ids that it states.
  std::vector<std::pair<int64_t, AddedToken>> added_tokens;
  std::optional<Side> truncation_side;
  std::optional<Side> padding_side;
  std::optional<std::string> pad_token;
};

/// Throws LoadError on content that is malformed, NotImplementedError naming a component that is not
/// supported.
TokenizerJson parse_tokenizer_json(std::string_view text, const std::string& label);

/// An `AddedToken` object that stands in `parent`; flags that are missing get the defaults of the Python
/// class.
AddedToken parse_added_token(const Json& json, const JsonRef& parent);

}  // namespace calque
