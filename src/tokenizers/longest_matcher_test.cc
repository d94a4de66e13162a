#include "tokenizers/longest_matcher.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tokenizers/double_array_trie.h"

namespace calque {
namespace {

using Found = std::vector<std::pair<size_t, std::string>>;

Found leftmost(const std::vector<std::string>& patterns, std::string_view text) {
  const std::vector<std::string_view> views(patterns.begin(), patterns.end());
  std::vector<LongestMatcher::Match> matches;
  LongestMatcher(views).find_leftmost(text, matches);
  Found found;
  for (const auto& match : matches) {
    EXPECT_EQ(text.substr(match.begin, match.end - match.begin), patterns[match.pattern]);
    found.emplace_back(match.begin, patterns[match.pattern]);
  }
  return found;
}

TEST(LongestMatcher, PrefersLeftmostThenLongest) {
  EXPECT_EQ(leftmost({"ab", "abc", "bcd"}, "xabcd"), (Found{{1, "abc"}}));
  EXPECT_EQ(leftmost({"b", "abcx", "bc"}, "abcd"), (Found{{1, "bc"}}));
  EXPECT_EQ(leftmost({"a"}, "aaa"), (Found{{0, "a"}, {1, "a"}, {2, "a"}}));
  EXPECT_EQ(leftmost({"", "z"}, "abc"), Found());
  EXPECT_EQ(leftmost({}, "abc"), Found());
}

TEST(LongestMatcher, FirstOfEqualPatternsCounts) {
  const std::vector<std::string_view> patterns = {"x", "y", "x"};
  std::vector<LongestMatcher::Match> matches;
  LongestMatcher(patterns).find_leftmost("x", matches);
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_EQ(matches[0].pattern, 0U);
}

TEST(LongestMatcher, AgreesWithTryingAllPatterns) {
  std::mt19937 random(7);
  const auto word = [&random](size_t limit) {
    std::string out;
    for (size_t n = 1 + random() % limit; n > 0; --n) out += static_cast<char>('a' + random() % 3);
    return out;
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> patterns;
    for (size_t n = 1 + random() % 6; n > 0; --n) patterns.push_back(word(5));
    const std::string text = word(40);
    Found expected;
    for (size_t i = 0; i < text.size();) {
      std::string best;
      for (const std::string& pattern : patterns) {
        if (pattern.size() > best.size() && text.compare(i, pattern.size(), pattern) == 0) best = pattern;
      }
      if (!best.empty()) expected.emplace_back(i, best);
      i += std::max<size_t>(1, best.size());
    }
    EXPECT_EQ(leftmost(patterns, text), expected) << text;
  }
}

TEST(LongestMatcher, TakesLinearTimeOnRepetitions) {
  const std::string long_pattern = std::string(200'000, 'a') + "b";
  const std::string text(500'000, 'a');
  EXPECT_EQ(leftmost({long_pattern, "a"}, text).size(), text.size());
}

TEST(DoubleArrayTrie, HoldsTheKeysOfATrie) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    ByteTrie trie(1000);
    std::vector<uint32_t> values;
    std::vector<std::string> keys;
    for (uint32_t i = 0; i < 3000; ++i) {
      std::string key;
      for (size_t n = random() % 6; n > 0; --n)
        key += static_cast<char>(random() % (round % 2 == 0 ? 256 : 4));
      const uint32_t node = trie.insert(key);
      if (node >= values.size()) values.resize(trie.node_count(), DoubleArrayTrie::kNone);
      values[node] = i;
      keys.push_back(key);
    }
    const DoubleArrayTrie fast(trie, values);
    for (const std::string& key : keys) {
      const uint32_t node = fast.find(key);
      ASSERT_NE(node, DoubleArrayTrie::kNone);
      ASSERT_EQ(fast.value(node), values[trie.find(key)]);
      const std::string longer = key + static_cast<char>(random());
      ASSERT_EQ(fast.find(longer) == DoubleArrayTrie::kNone, trie.find(longer) == ByteTrie::kNone);
    }
  }
}

TEST(DoubleArrayTrie, MayBeEmpty) {
  const std::vector<uint32_t> values = {DoubleArrayTrie::kNone};
  const DoubleArrayTrie trie(ByteTrie(0), values);
  EXPECT_EQ(trie.find("a"), DoubleArrayTrie::kNone);
  EXPECT_EQ(trie.find(std::string_view("\0", 1)), DoubleArrayTrie::kNone);
  EXPECT_FALSE(trie.has_value(DoubleArrayTrie::kRoot));
}

}  // namespace
}  // namespace calque
