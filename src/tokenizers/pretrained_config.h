// Reader of tokenizer_config.json, special_tokens_map.json and added_tokens.json.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calque/tokenizers.h"
#include "tokenizers/added_vocabulary.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/tokenizer_parts.h"

namespace calque {

/// A special token as a file gives it: a string, or an AddedToken with flags.
struct SpecialTokenValue {
  AddedToken token;
  bool has_flags = false;
};

/// Arguments that the files give to the tokenizer's class.
struct PretrainedConfig {
  /// Not set: the class's default. Set to nullopt: the token was switched off.
  std::array<std::optional<std::optional<SpecialTokenValue>>, kSpecialTokenCount> special_tokens;
  std::vector<SpecialTokenValue> additional_special_tokens;
  /// Ids and tokens, in the order of the files.
  std::vector<std::pair<int64_t, AddedToken>> added_tokens;
  std::string tokenizer_class;

  bool do_lower_case = true;
  bool tokenize_chinese_chars = true;
  std::optional<bool> strip_accents;
  std::optional<int64_t> model_max_length;
  std::optional<Side> padding_side;
  std::optional<Side> truncation_side;
  std::optional<bool> clean_up_tokenization_spaces;
  bool split_special_tokens = false;
};

/// `json_added_tokens`: the added tokens of tokenizer.json, which count where tokenizer_config.json lists
/// none.
PretrainedConfig parse_pretrained_config(
    const TokenizerFiles& files, const std::vector<std::pair<int64_t, AddedToken>>& json_added_tokens);

}  // namespace calque
