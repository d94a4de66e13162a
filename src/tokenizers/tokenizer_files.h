// The files that a tokenizer may be read from.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace calque {

/// Content of the files that are there; `where` names the folder in messages.
struct TokenizerFiles {
  std::string where;
  std::optional<std::string> tokenizer_json;
  std::optional<std::string> vocab_txt;
  std::optional<std::string> tokenizer_config_json;
  std::optional<std::string> special_tokens_map_json;
  std::optional<std::string> added_tokens_json;
  std::optional<std::string> config_json;

  /// `name` as messages call it.
  std::string label(const char* name) const;
};

/// Throws LoadError when `directory` is none, or a file in it cannot be read.
TokenizerFiles read_tokenizer_files(const std::string& directory);

/// The same from memory; other names are left alone.
TokenizerFiles pick_tokenizer_files(const std::map<std::string, std::string, std::less<>>& files);

}  // namespace calque
