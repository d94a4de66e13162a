#include "tokenizers/byte_trie.h"

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

constexpr size_t kMaxBytes = size_t{1} << 28;
constexpr unsigned kMinBits = 4;

}  // namespace

ByteTrie::ByteTrie(size_t bytes) {
  if (bytes > kMaxBytes) {
    throw LimitError(cat("The tokens of a tokenizer hold ", bytes, " bytes in all; at most ", kMaxBytes,
                         " are supported."));
  }
  // Most keys share their front: a quarter of the bytes is a fair guess of the number of nodes.
  rehash(std::max(kMinBits, static_cast<unsigned>(std::bit_width(bytes / 2))));
}

void ByteTrie::rehash(unsigned bits) {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(size_t{1} << bits, Slot());
  mask_ = slots_.size() - 1;
  shift_ = 64 - bits;
  for (const Slot& moved : old) {
    if (moved.child == kNone) continue;
    size_t slot = slot_of(moved.parent, moved.byte);
    while (slots_[slot].child != kNone) slot = (slot + 1) & mask_;
    slots_[slot] = moved;
  }
}

uint32_t ByteTrie::insert(std::string_view key) {
  uint32_t node = kRoot;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    size_t slot = slot_of(node, byte);
    while (slots_[slot].child != kNone && (slots_[slot].parent != node || slots_[slot].byte != byte)) {
      slot = (slot + 1) & mask_;
    }
    if (slots_[slot].child != kNone) {
      node = slots_[slot].child;
      continue;
    }
    slots_[slot] = {node, node_count_, byte};
    node = node_count_++;
    if (size_t{node_count_} * 3 > slots_.size() * 2) rehash(static_cast<unsigned>(64 - shift_ + 1));
  }
  return node;
}

uint32_t ByteTrie::find(std::string_view key) const {
  uint32_t node = kRoot;
  for (const char c : key) {
    node = child(node, c);
    if (node == kNone) return kNone;
  }
  return node;
}

}  // namespace calque
