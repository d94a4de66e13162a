#include "tokenizers/tokenizer_files.h"

#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

struct NamedFile {
  const char* name;
  std::optional<std::string> TokenizerFiles::* content;
};

constexpr NamedFile kFiles[] = {{"tokenizer.json", &TokenizerFiles::tokenizer_json},
                                {"vocab.txt", &TokenizerFiles::vocab_txt},
                                {"tokenizer_config.json", &TokenizerFiles::tokenizer_config_json},
                                {"special_tokens_map.json", &TokenizerFiles::special_tokens_map_json},
                                {"added_tokens.json", &TokenizerFiles::added_tokens_json},
                                {"config.json", &TokenizerFiles::config_json}};

}  // namespace

std::string TokenizerFiles::label(const char* name) const {
  return where.empty() ? name : cat(where, "/", name);
}

TokenizerFiles read_tokenizer_files(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    throw LoadError(
        cat(quoted(directory, 400),
            " is not a directory. Pass the directory of a checkpoint, which holds tokenizer.json or "
            "vocab.txt; names of models on a hub are not looked up."));
  }
  TokenizerFiles files;
  files.where = directory;
  for (const NamedFile& file : kFiles) {
    const std::string path = files.label(file.name);
    if (!std::filesystem::exists(path, error)) continue;
    files.*file.content = std::string(MappedFile::open(path, {.use_mmap = false})->text());
  }
  return files;
}

TokenizerFiles pick_tokenizer_files(const std::map<std::string, std::string, std::less<>>& files) {
  TokenizerFiles out;
  for (const NamedFile& file : kFiles) {
    const auto found = files.find(file.name);
    if (found != files.end()) out.*file.content = found->second;
  }
  return out;
}

}  // namespace calque
