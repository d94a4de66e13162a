#include "tokenizers/word_piece.h"

#include <utility>

#include "base/text.h"
#include "calque/error.h"
#include "tokenizers/byte_trie.h"
#include "tokenizers/utf8.h"

namespace calque {

namespace {

// Words of more bytes are cut in linear time; shorter ones directly, which is faster for real vocabularies.
constexpr size_t kLongWord = 1024;

DoubleArrayTrie make_trie(const Vocab& vocab) {
  ByteTrie trie(vocab.byte_size());
  std::vector<uint32_t> values;
  for (uint32_t index = 0; index < vocab.size(); ++index) {
    const uint32_t node = trie.insert(vocab.token(index));
    if (node >= values.size()) values.resize(trie.node_count(), DoubleArrayTrie::kNone);
    values[node] = index;
  }
  values.resize(trie.node_count(), DoubleArrayTrie::kNone);
  return DoubleArrayTrie(trie, values);
}

}  // namespace

WordPiece::WordPiece(Vocab vocab, WordPieceOptions options)
    : vocab_(std::move(vocab)), options_(std::move(options)), trie_(make_trie(vocab_)) {
  continuation_ = trie_.find(options_.continuing_subword_prefix);
  unknown_ = vocab_.find(options_.unk_token);
  if (options_.max_input_chars_per_word > kLongWord / 4) build_continuations();
}

void WordPiece::build_continuations() {
  const std::string& prefix = options_.continuing_subword_prefix;
  std::vector<std::string_view> patterns;
  for (uint32_t index = 0; index < vocab_.size(); ++index) {
    const std::string_view token = vocab_.token(index);
    if (token.size() <= prefix.size() || !token.starts_with(prefix)) continue;
    patterns.push_back(token.substr(prefix.size()));
    continuation_tokens_.push_back(index);
  }
  continuations_ = std::make_unique<LongestMatcher>(patterns);
}

bool WordPiece::is_too_long(std::string_view word) const {
  return word.size() > options_.max_input_chars_per_word &&
         count_characters(word) > options_.max_input_chars_per_word;
}

void WordPiece::tokenize(std::string_view word, std::vector<ModelToken>& tokens) const {
  const size_t before = tokens.size();
  if (!is_too_long(word)) {
    const bool is_long = word.size() > kLongWord && continuations_ != nullptr;
    if (is_long ? cut_long(word, tokens) : cut(word, tokens)) return;
    tokens.resize(before);
  }
  if (unknown_ == Vocab::kNone) {
    throw ValueError(cat("WordPiece error: Missing ", options_.unk_token,
                         " token from the vocabulary: the word ", quoted(word),
                         " has no other. Add the token to the vocabulary."));
  }
  tokens.push_back({unknown_, 0, static_cast<uint32_t>(word.size())});
}

WordPiece::Piece WordPiece::longest_from(uint32_t node, std::string_view text) const {
  uint32_t last = node;
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    node = trie_.child(node, text[i]);
    if (node == DoubleArrayTrie::kNone) break;
    if (!trie_.has_value(node)) continue;
    last = node;
    length = i + 1;
  }
  if (length == 0) return {Vocab::kNone, 0};
  return {trie_.value(last), length};
}

bool WordPiece::cut(std::string_view word, std::vector<ModelToken>& tokens) const {
  size_t start = 0;
  uint32_t root = DoubleArrayTrie::kRoot;
  while (start < word.size()) {
    if (root == DoubleArrayTrie::kNone) return false;
    const Piece piece = longest_from(root, word.substr(start));
    if (piece.index == Vocab::kNone) return false;
    tokens.push_back(
        {piece.index, static_cast<uint32_t>(start), static_cast<uint32_t>(start + piece.length)});
    start += piece.length;
    root = continuation_;
  }
  return true;
}

bool WordPiece::cut_long(std::string_view word, std::vector<ModelToken>& tokens) const {
  const Piece first = longest_from(DoubleArrayTrie::kRoot, word);
  if (first.index == Vocab::kNone) return false;
  tokens.push_back({first.index, 0, static_cast<uint32_t>(first.length)});
  std::vector<LongestMatcher::Match> matches;
  continuations_->find_all(word, matches);
  size_t start = first.length;
  for (auto match = matches.rbegin(); match != matches.rend() && start < word.size(); ++match) {
    if (match->begin < start) continue;
    if (match->begin > start) return false;
    tokens.push_back({continuation_tokens_[match->pattern], static_cast<uint32_t>(start),
                      static_cast<uint32_t>(match->end)});
    start = match->end;
  }
  return start == word.size();
}

}  // namespace calque
