// Tokens that are found in the text before it is split into words: special tokens, and tokens added after
// training.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tokenizers/longest_matcher.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/vocab.h"

namespace calque {

/// `AddedToken` of `tokenizers`.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< Only where no word character stands next to it.
  bool lstrip = false;       ///< Takes the white space before it.
  bool rstrip = false;       ///< Takes the white space after it.
  bool normalized = true;    ///< Is looked for in the normalized text.
  bool special = false;      ///< Left out by decode(skip_special_tokens).

  bool operator==(const AddedToken&) const = default;
};

/// Part of a text: an added token, or text between added tokens.
struct AddedSplit {
  uint32_t begin;
  uint32_t end;
  std::optional<uint32_t> id;
};

/// Reusable memory of AddedVocabulary::split.
struct AddedSplitScratch {
  std::vector<LongestMatcher::Match> matches;
};

class AddedVocabulary {
 public:
  /// Adds `tokens` in order, with the rules of `tokenizers`: a token of the vocabulary keeps its id, others
  /// get the next free one; a token with the content of an earlier one replaces it. `vocab` must be the same
  /// in every call.
  void add(const std::vector<AddedToken>& tokens, const Vocab& vocab);

  /// To be called once, after the last add(): prepares the search. `normalizer` may be null.
  void finish(const Vocab& vocab, const Normalizer* normalizer);

  /// Splits `text` at the tokens that are looked for before (normalized = false) or after normalization. The
  /// splits have no empty one, and overlap only where a token's white space is also part of the next token.
  void split(std::string_view text, bool normalized, bool split_special_tokens, AddedSplitScratch& scratch,
             std::vector<AddedSplit>& splits) const;

  std::optional<uint32_t> token_to_id(std::string_view content) const;
  /// The token with `id`, or null.
  const AddedToken* find_id(uint32_t id) const;
  /// True when there is such a token, with the same flags.
  bool contains(const AddedToken& token) const;
  bool is_special(std::string_view content) const { return special_contents_.contains(std::string(content)); }
  /// Added tokens whose content is not in `vocab`.
  size_t count_outside(const Vocab& vocab) const;

 private:
  struct Search {
    std::unique_ptr<LongestMatcher> matcher;
    std::vector<uint32_t> ids;  // By pattern.
  };

  uint32_t next_id(const Vocab& vocab) const;
  Search make_search(const std::vector<const AddedToken*>& tokens, const Vocab& vocab,
                     const Normalizer* normalizer) const;

  std::unordered_map<std::string, uint32_t> id_of_;
  std::unordered_map<uint32_t, AddedToken> token_of_;
  std::vector<AddedToken> special_tokens_;
  std::vector<AddedToken> other_tokens_;
  std::unordered_set<std::string> special_contents_;
  Search before_normalization_;
  Search after_normalization_;
};

}  // namespace calque
