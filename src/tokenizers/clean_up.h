// Removal of the spaces that tokenization leaves before English punctuation and contractions.
#pragma once

#include <string>
#include <string_view>

namespace calque {

/// `clean_up_tokenization` of Transformers.
std::string clean_up_tokenization(std::string_view text);

/// The clean-up of the WordPiece decoder of `tokenizers`, which also contracts "do not".
std::string clean_up_word_piece(std::string_view text);

}  // namespace calque
