// The pre-tokenizer of BERT.
#pragma once

#include "tokenizers/pre_tokenizer.h"

namespace calque {

/// `BertPreTokenizer` of `tokenizers`: splits at white space, and makes each punctuation character a word.
class BertPreTokenizer : public PreTokenizer {
 public:
  void pre_tokenize(const NormalizedText& text, TextRange piece,
                    std::vector<TextRange>& words) const override;
};

}  // namespace calque
