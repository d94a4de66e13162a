// The decoder of WordPiece.
#pragma once

#include <string>

#include "tokenizers/decoder.h"

namespace calque {

/// `WordPiece` decoder of `tokenizers`: joins tokens with spaces, but for those that continue a word.
class WordPieceDecoder : public Decoder {
 public:
  /// `cleanup`: also remove spaces before punctuation and English contractions, in each token.
  WordPieceDecoder(std::string prefix, bool cleanup);
  std::string decode(const std::vector<std::string_view>& tokens) const override;

 private:
  std::string prefix_;
  bool cleanup_;
};

}  // namespace calque
