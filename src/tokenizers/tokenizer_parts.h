// All that makes up a tokenizer, as the loaders put it together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calque/tokenizers.h"
#include "tokenizers/added_vocabulary.h"
#include "tokenizers/decoder.h"
#include "tokenizers/model.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/pre_tokenizer.h"
#include "tokenizers/template_processor.h"

namespace calque {

/// Special tokens that have a name, in Transformers' order.
enum class SpecialToken : uint8_t { kBos, kEos, kUnk, kSep, kPad, kCls, kMask };
inline constexpr size_t kSpecialTokenCount = 7;
inline constexpr std::array<const char*, kSpecialTokenCount> kSpecialTokenNames = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

struct TokenizerSettings {
  std::array<std::optional<std::string>, kSpecialTokenCount> special_tokens;
  std::vector<std::string> additional_special_tokens;
  int64_t model_max_length = std::numeric_limits<int64_t>::max();
  Side padding_side = Side::kRight;
  Side truncation_side = Side::kRight;
  bool clean_up_tokenization_spaces = false;
  bool split_special_tokens = false;

  std::optional<std::string>& special(SpecialToken token) {
    return special_tokens[static_cast<size_t>(token)];
  }
  const std::optional<std::string>& special(SpecialToken token) const {
    return special_tokens[static_cast<size_t>(token)];
  }
};

/// The stages, in the order they run. Normalizer, pre-tokenizer and decoder may be null.
struct TokenizerParts {
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<Model> model;
  TemplateProcessor post_processor = TemplateProcessor::plain();
  std::unique_ptr<Decoder> decoder;
  AddedVocabulary added;
  TokenizerSettings settings;
};

}  // namespace calque
