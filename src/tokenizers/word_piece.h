// WordPiece: greedy longest match first.
#pragma once

#include <memory>
#include <string>

#include "tokenizers/double_array_trie.h"
#include "tokenizers/longest_matcher.h"
#include "tokenizers/model.h"

namespace calque {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  /// Longer words become the unknown token.
  uint64_t max_input_chars_per_word = 100;
};

/// `WordPiece` of `tokenizers`: takes the longest token that starts the word, then the longest that continues
/// it (written with the prefix), and so on; the whole word becomes the unknown token when a part has no
/// token.
class WordPiece : public Model {
 public:
  WordPiece(Vocab vocab, WordPieceOptions options);

  /// Throws ValueError when a word needs the unknown token and the vocabulary has none.
  void tokenize(std::string_view word, std::vector<ModelToken>& tokens) const override;
  const Vocab& vocab() const override { return vocab_; }

 private:
  struct Piece {
    uint32_t index;
    size_t length;
  };

  Piece longest_from(uint32_t node, std::string_view text) const;
  bool cut(std::string_view word, std::vector<ModelToken>& tokens) const;
  bool cut_long(std::string_view word, std::vector<ModelToken>& tokens) const;
  bool is_too_long(std::string_view word) const;
  void build_continuations();

  Vocab vocab_;
  WordPieceOptions options_;
  DoubleArrayTrie trie_;                            // The values are indices of tokens.
  uint32_t continuation_ = DoubleArrayTrie::kNone;  // Node of the prefix.
  uint32_t unknown_ = Vocab::kNone;
  // For words so long that trying all lengths at each place would cost too much; only where such words are
  // allowed.
  std::unique_ptr<LongestMatcher> continuations_;
  std::vector<uint32_t> continuation_tokens_;  // By pattern of continuations_.
};

}  // namespace calque
