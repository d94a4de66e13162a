#include "tokenizers/double_array_trie.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace calque {

namespace {

constexpr uint32_t kAlphabet = 256;
constexpr int kMaxTries = 16;

struct Edge {
  unsigned char byte;
  uint32_t child;
};

// The edges of a trie, those of one node next to each other.
struct EdgeLists {
  std::vector<uint32_t> begin;  // By node, and one past the last.
  std::vector<Edge> edges;

  explicit EdgeLists(const ByteTrie& trie) : begin(trie.node_count() + 1, 0), edges(trie.node_count() - 1) {
    trie.for_each_edge([&](uint32_t parent, unsigned char, uint32_t) { ++begin[parent + 1]; });
    for (size_t node = 1; node < begin.size(); ++node) begin[node] += begin[node - 1];
    std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
    trie.for_each_edge(
        [&](uint32_t parent, unsigned char byte, uint32_t child) { edges[next[parent]++] = {byte, child}; });
  }

  std::span<const Edge> of(uint32_t node) const {
    return std::span(edges).subspan(begin[node], begin[node + 1] - begin[node]);
  }
};

}  // namespace

// Places nodes. Free units are a ring through unit 0; units 1 to 255 stay empty, so that a node without
// children, whose base is 0, finds none.
class DoubleArrayTrie::Builder {
 public:
  explicit Builder(DoubleArrayTrie& out) : out_(out) { grow(kAlphabet); }

  void build(const EdgeLists& lists, std::span<const uint32_t> values) {
    std::vector<std::pair<uint32_t, uint32_t>> placed = {{ByteTrie::kRoot, kRoot}};
    for (size_t i = 0; i < placed.size(); ++i) {
      const auto [node, unit] = placed[i];
      const std::span<const Edge> edges = lists.of(node);
      const uint32_t base = edges.empty() ? 0 : find_base(edges);
      out_.units_[unit].base_and_flag = base << 1 | (values[node] == kNone ? 0U : 1U);
      out_.values_[unit] = values[node];
      for (const Edge& edge : edges) {
        take(base + edge.byte);
        out_.units_[base + edge.byte].parent = unit;
        placed.emplace_back(edge.child, base + edge.byte);
      }
    }
  }

 private:
  bool is_free(uint32_t unit) const { return next_[unit] != kNone; }

  // Appends `count` units to the ring, but for the first 256.
  void grow(uint32_t count) {
    const auto old = static_cast<uint32_t>(out_.units_.size());
    const uint32_t size = old + count;
    out_.units_.resize(size);
    out_.values_.resize(size, kNone);
    next_.resize(size, kNone);
    previous_.resize(size, kNone);
    if (old == 0) {
      next_[0] = previous_[0] = 0;
      return;
    }
    for (uint32_t unit = old; unit < size; ++unit) {
      const uint32_t last = previous_[0];
      next_[last] = unit;
      previous_[unit] = last;
      next_[unit] = 0;
      previous_[0] = unit;
    }
  }

  void take(uint32_t unit) {
    next_[previous_[unit]] = next_[unit];
    previous_[next_[unit]] = previous_[unit];
    next_[unit] = kNone;
    high_ = std::max(high_, unit + 1);
  }

  bool fits(uint32_t base, std::span<const Edge> edges) {
    // All looks of a later walk, base + 255 at most, stay inside.
    if (base + kAlphabet > out_.units_.size()) grow(static_cast<uint32_t>(out_.units_.size()));
    for (const Edge& edge : edges) {
      if (!is_free(base + edge.byte)) return false;
    }
    return true;
  }

  uint32_t find_base(std::span<const Edge> edges) {
    const unsigned char first = edges.front().byte;
    uint32_t unit = next_[0];
    for (int tries = 0; tries < kMaxTries && unit != 0; ++tries, unit = next_[unit]) {
      if (fits(unit - first, edges)) return unit - first;
    }
    // All units from high_ on are free.
    check(fits(high_, edges), "no room for the children of a node");
    return high_;
  }

  DoubleArrayTrie& out_;
  std::vector<uint32_t> next_;  // By unit; kNone for units that are taken.
  std::vector<uint32_t> previous_;
  uint32_t high_ = kAlphabet;
};

DoubleArrayTrie::DoubleArrayTrie(const ByteTrie& trie, std::span<const uint32_t> values) {
  Builder(*this).build(EdgeLists(trie), values);
}

uint32_t DoubleArrayTrie::find(std::string_view key) const {
  uint32_t node = kRoot;
  for (const char c : key) {
    node = child(node, c);
    if (node == kNone) return kNone;
  }
  return node;
}

}  // namespace calque
