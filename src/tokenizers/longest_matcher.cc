#include "tokenizers/longest_matcher.h"

#include <algorithm>
#include <string>
#include <utility>

namespace calque {

namespace {

size_t total_size(std::span<const std::string_view> patterns) {
  size_t total = 0;
  for (const std::string_view pattern : patterns) total += pattern.size();
  return total;
}

}  // namespace

LongestMatcher::LongestMatcher(std::span<const std::string_view> patterns) : trie_(total_size(patterns)) {
  length_.reserve(patterns.size());
  std::string reversed;
  for (const std::string_view pattern : patterns) {
    const auto index = static_cast<uint32_t>(length_.size());
    length_.push_back(static_cast<uint32_t>(pattern.size()));
    if (pattern.empty()) continue;
    reversed.assign(pattern.rbegin(), pattern.rend());
    const uint32_t node = trie_.insert(reversed);
    if (node >= longest_output_.size()) longest_output_.resize(trie_.node_count(), ByteTrie::kNone);
    if (longest_output_[node] == ByteTrie::kNone) longest_output_[node] = index;
  }
  longest_output_.resize(trie_.node_count(), ByteTrie::kNone);
  link_failures();
}

void LongestMatcher::link_failures() {
  struct Edge {
    uint32_t parent;
    uint32_t child;
    unsigned char byte;
  };
  // Children are numbered after their parents, so that one pass in order of children gives the depths.
  std::vector<Edge> edges(trie_.node_count());
  trie_.for_each_edge([&](uint32_t parent, unsigned char byte, uint32_t child) {
    edges[child] = {parent, child, byte};
    if (parent == ByteTrie::kRoot) leaves_root_[byte] = true;
  });
  std::vector<uint32_t> depth(edges.size(), 0);
  for (uint32_t node = 1; node < edges.size(); ++node) depth[node] = depth[edges[node].parent] + 1;
  edges.erase(edges.begin());
  std::sort(edges.begin(), edges.end(), [&](const Edge& a, const Edge& b) {
    return std::pair(depth[a.child], a.child) < std::pair(depth[b.child], b.child);
  });

  failure_.assign(trie_.node_count(), ByteTrie::kRoot);
  for (const Edge& edge : edges) {
    if (edge.parent == ByteTrie::kRoot) continue;
    const char byte = static_cast<char>(edge.byte);
    uint32_t node = failure_[edge.parent];
    uint32_t next = trie_.child(node, byte);
    while (next == ByteTrie::kNone && node != ByteTrie::kRoot) {
      node = failure_[node];
      next = trie_.child(node, byte);
    }
    if (next != ByteTrie::kNone) failure_[edge.child] = next;
    uint32_t& output = longest_output_[edge.child];
    if (output == ByteTrie::kNone) output = longest_output_[failure_[edge.child]];
  }
}

void LongestMatcher::find_all(std::string_view text, std::vector<Match>& matches) const {
  uint32_t node = ByteTrie::kRoot;
  for (size_t i = text.size(); i-- > 0;) {
    if (node == ByteTrie::kRoot && !leaves_root_[static_cast<unsigned char>(text[i])]) continue;
    uint32_t next = trie_.child(node, text[i]);
    while (next == ByteTrie::kNone && node != ByteTrie::kRoot) {
      node = failure_[node];
      next = trie_.child(node, text[i]);
    }
    if (next == ByteTrie::kNone) continue;
    node = next;
    const uint32_t output = longest_output_[node];
    if (output != ByteTrie::kNone) matches.push_back({i, i + length_[output], output});
  }
}

void LongestMatcher::find_leftmost(std::string_view text, std::vector<Match>& matches) const {
  matches.clear();
  if (empty()) return;
  find_all(text, matches);
  std::reverse(matches.begin(), matches.end());
  size_t kept = 0;
  size_t free_from = 0;
  for (const Match& match : matches) {
    if (match.begin < free_from) continue;
    free_from = match.end;
    matches[kept++] = match;
  }
  matches.resize(kept);
}

}  // namespace calque
