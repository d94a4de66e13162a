// Finds, at every place of a text, the longest of many patterns that starts there.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizers/byte_trie.h"

namespace calque {

/// An Aho-Corasick automaton (Aho and Corasick, 1975) over the reversed patterns, run from the end of the
/// text to its start: its longest output at a place is the longest pattern that starts there. Time is linear
/// in the text, whatever the patterns.
class LongestMatcher {
 public:
  struct Match {
    size_t begin;
    size_t end;
    /// Index of the pattern; of the first one, among equal patterns.
    uint32_t pattern;
  };

  /// Empty patterns never match.
  explicit LongestMatcher(std::span<const std::string_view> patterns);

  bool empty() const { return trie_.node_count() == 1; }

  /// Appends the longest match at each place that has one to `matches`, from the last place to the first.
  void find_all(std::string_view text, std::vector<Match>& matches) const;

  /// Replaces `matches` by the matches that do not overlap, leftmost first, longest first.
  void find_leftmost(std::string_view text, std::vector<Match>& matches) const;

 private:
  void link_failures();

  ByteTrie trie_;
  std::vector<uint32_t> failure_;         // By node: the longest proper suffix that is a node.
  std::vector<uint32_t> longest_output_;  // By node: the longest pattern that ends here, or kNone.
  std::vector<uint32_t> length_;          // By pattern.
  std::array<bool, 256> leaves_root_{};
};

}  // namespace calque
