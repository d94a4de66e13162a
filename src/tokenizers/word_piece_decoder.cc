#include "tokenizers/word_piece_decoder.h"

#include <utility>

#include "tokenizers/clean_up.h"

namespace calque {

WordPieceDecoder::WordPieceDecoder(std::string prefix, bool cleanup)
    : prefix_(std::move(prefix)), cleanup_(cleanup) {}

std::string WordPieceDecoder::decode(const std::vector<std::string_view>& tokens) const {
  std::string out;
  bool is_first = true;
  for (std::string_view token : tokens) {
    std::string part;
    if (is_first) {
      part = token;
    } else if (token.starts_with(prefix_)) {
      part = token.substr(prefix_.size());
    } else {
      part = " ";
      part += token;
    }
    is_first = false;
    out += cleanup_ ? clean_up_word_piece(part) : part;
  }
  return out;
}

}  // namespace calque
