// Stage 4: puts special tokens around one text or a pair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace calque {

/// One special token of a template, with all it stands for.
struct TemplateToken {
  uint32_t id = 0;
  std::string token;
};

/// A place of a template: a text, or special tokens.
struct TemplatePiece {
  enum class Kind { kFirstText, kSecondText, kSpecialTokens };

  Kind kind = Kind::kSpecialTokens;
  uint32_t type_id = 0;
  std::vector<TemplateToken> tokens;
};

/// `TemplateProcessing` of `tokenizers`.
struct TemplateProcessor {
  std::vector<TemplatePiece> single;
  std::vector<TemplatePiece> pair;

  const std::vector<TemplatePiece>& pieces(bool is_pair) const { return is_pair ? pair : single; }
  /// Special tokens that are added.
  size_t added_tokens(bool is_pair) const;
  /// Both templates: the texts alone.
  static TemplateProcessor plain();
};

}  // namespace calque
