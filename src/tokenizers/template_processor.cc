#include "tokenizers/template_processor.h"

namespace calque {

size_t TemplateProcessor::added_tokens(bool is_pair) const {
  size_t count = 0;
  for (const TemplatePiece& piece : pieces(is_pair)) count += piece.tokens.size();
  return count;
}

TemplateProcessor TemplateProcessor::plain() {
  const TemplatePiece first = {TemplatePiece::Kind::kFirstText, 0, {}};
  const TemplatePiece second = {TemplatePiece::Kind::kSecondText, 1, {}};
  return {{first}, {first, second}};
}

}  // namespace calque
