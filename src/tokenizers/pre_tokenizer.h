// Stage 2: splits normalized text into words.
#pragma once

#include <vector>

#include "tokenizers/normalized_text.h"

namespace calque {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Appends the words of the bytes `piece` of `text` to `words`: ranges of `text`, none of them empty, in
  /// order.
  virtual void pre_tokenize(const NormalizedText& text, TextRange piece,
                            std::vector<TextRange>& words) const = 0;
};

}  // namespace calque
