// A trie over bytes, for vocabularies: all edges in one hash table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace calque {

class ByteTrie {
 public:
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNone = UINT32_MAX;

  /// Room for keys of `bytes` bytes in all is made at once. Throws LimitError beyond 2^28 bytes.
  explicit ByteTrie(size_t bytes);

  /// The node of `key`, made where it is missing. Nodes are numbered from 0 (the root) in the order they are
  /// made.
  uint32_t insert(std::string_view key);

  /// The node below `node` for `byte`, or kNone.
  uint32_t child(uint32_t node, char byte) const {
    const auto value = static_cast<unsigned char>(byte);
    size_t slot = slot_of(node, value);
    while (slots_[slot].child != kNone) {
      if (slots_[slot].parent == node && slots_[slot].byte == value) return slots_[slot].child;
      slot = (slot + 1) & mask_;
    }
    return kNone;
  }

  /// The node of `key`, or kNone.
  uint32_t find(std::string_view key) const;

  size_t node_count() const { return node_count_; }

  /// Calls f(parent, byte, child) for each edge, in no particular order.
  template <class F>
  void for_each_edge(const F& f) const {
    for (const Slot& slot : slots_) {
      if (slot.child != kNone) f(slot.parent, slot.byte, slot.child);
    }
  }

 private:
  struct Slot {
    uint32_t parent = 0;
    uint32_t child = kNone;
    unsigned char byte = 0;
  };

  size_t slot_of(uint32_t node, unsigned char byte) const {
    const uint64_t key = uint64_t{node} << 8 | byte;
    return static_cast<size_t>(key * 0x9E3779B97F4A7C15U >> shift_);
  }
  void rehash(unsigned bits);

  std::vector<Slot> slots_;
  size_t mask_ = 0;
  unsigned shift_ = 0;
  uint32_t node_count_ = 1;
};

}  // namespace calque
