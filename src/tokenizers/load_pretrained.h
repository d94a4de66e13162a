// Puts a tokenizer together from its files, with the precedence of Transformers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "calque/tokenizers.h"
#include "tokenizers/tokenizer_files.h"
#include "tokenizers/tokenizer_impl.h"

namespace calque {

enum class TokenizerClass {
  kAuto,     ///< What the files name, as AutoTokenizer does.
  kBert,     ///< BertTokenizerFast and the classes that are the same.
  kGeneric,  ///< PreTrainedTokenizerFast.
};

std::shared_ptr<const TokenizerImpl> load_pretrained(const TokenizerFiles& files,
                                                     TokenizerClass tokenizer_class);

/// One tokenizer.json alone, as `tokenizers` reads it.
std::shared_ptr<const TokenizerImpl> load_tokenizer_json(std::string_view text);

std::shared_ptr<const TokenizerImpl> load_bert_vocab(const std::string& vocab_file,
                                                     const BertTokenizerOptions& options);

}  // namespace calque
