// Stage 3: cuts words into tokens of a vocabulary.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizers/vocab.h"

namespace calque {

/// A token that a model found in a word.
struct ModelToken {
  uint32_t index;  ///< In the vocabulary.
  uint32_t begin;  ///< Bytes of the word.
  uint32_t end;
};

class Model {
 public:
  virtual ~Model() = default;
  /// Appends the tokens of `word`, which is not empty, to `tokens`.
  virtual void tokenize(std::string_view word, std::vector<ModelToken>& tokens) const = 0;
  virtual const Vocab& vocab() const = 0;
};

}  // namespace calque
