// A trie that is fast to walk: each step is one look into one array.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizers/byte_trie.h"

namespace calque {

/// Double-array trie (Aoe, "An efficient digital search algorithm by using a double-array structure", 1989):
/// the child of node n for byte b is node base(n) + b, if the parent noted there is n.
class DoubleArrayTrie {
 public:
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNone = UINT32_MAX;

  /// The same keys as `trie`; `values`, by node of `trie`, has kNone for nodes that are no key.
  DoubleArrayTrie(const ByteTrie& trie, std::span<const uint32_t> values);

  /// The node below `node` for `byte`, or kNone.
  uint32_t child(uint32_t node, char byte) const {
    const uint32_t next = (units_[node].base_and_flag >> 1) + static_cast<unsigned char>(byte);
    return units_[next].parent == node ? next : kNone;
  }
  bool has_value(uint32_t node) const { return (units_[node].base_and_flag & 1) != 0; }
  uint32_t value(uint32_t node) const { return values_[node]; }

  /// The node of `key`, or kNone.
  uint32_t find(std::string_view key) const;

 private:
  struct Unit {
    uint32_t base_and_flag = 0;
    uint32_t parent = kNone;
  };
  class Builder;

  std::vector<Unit> units_;
  std::vector<uint32_t> values_;
};

}  // namespace calque
