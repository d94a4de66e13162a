// Stage 1: rewrites text before it is split (case, accents, spaces).
#pragma once

#include "tokenizers/normalized_text.h"

namespace calque {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  /// Rewrites `text` in place; its text is valid UTF-8 before and after.
  virtual void normalize(NormalizedText& text) const = 0;
};

}  // namespace calque
