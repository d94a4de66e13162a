#include "tokenizers/truncation.h"

#include <gtest/gtest.h>

#include "tokenizers/sequence_plan.h"
#include "tokenizers/template_json.h"

namespace calque {
namespace {

using Ranges = std::vector<TokenRange>;

TruncationOptions options(TruncationStrategy strategy, size_t max_length, size_t stride = 0) {
  return {.strategy = strategy, .max_length = max_length, .stride = stride, .with_overflow = true};
}

TEST(Truncation, CutsOneTextIntoParts) {
  const auto found = truncate(10, std::nullopt, options(TruncationStrategy::kLongestFirst, 4, 1));
  EXPECT_EQ(found.first, (Ranges{{0, 4}, {3, 7}, {6, 10}}));
  auto left = options(TruncationStrategy::kLongestFirst, 4, 1);
  left.side = Side::kLeft;
  EXPECT_EQ(truncate(9, std::nullopt, left).first, (Ranges{{5, 9}, {2, 6}, {0, 3}}));
  EXPECT_EQ(truncate(3, std::nullopt, options(TruncationStrategy::kLongestFirst, 4)).first, (Ranges{{0, 3}}));
  EXPECT_EQ(truncate(3, std::nullopt, options(TruncationStrategy::kLongestFirst, 0)).first,
            (Ranges{{0, 0}, {0, 3}}));
}

TEST(Truncation, SharesBetweenTheTextsOfAPair) {
  const auto lengths = [](size_t first, size_t second, size_t limit, TruncationStrategy strategy) {
    const TruncatedTexts texts = truncate(first, second, options(strategy, limit));
    return std::pair(texts.first[0].end, texts.second[0].end);
  };
  const auto longest = TruncationStrategy::kLongestFirst;
  EXPECT_EQ(lengths(10, 2, 8, longest), std::pair(size_t{6}, size_t{2}));
  EXPECT_EQ(lengths(2, 10, 8, longest), std::pair(size_t{2}, size_t{6}));
  EXPECT_EQ(lengths(10, 10, 7, longest), std::pair(size_t{3}, size_t{4}));
  EXPECT_EQ(lengths(11, 10, 7, longest), std::pair(size_t{4}, size_t{3}));
  EXPECT_EQ(lengths(10, 5, 8, TruncationStrategy::kOnlyFirst), std::pair(size_t{3}, size_t{5}));
  EXPECT_EQ(lengths(5, 10, 8, TruncationStrategy::kOnlySecond), std::pair(size_t{5}, size_t{3}));
}

TEST(Truncation, RefusesWhatCannotBeDone) {
  EXPECT_THROW(truncate(5, std::nullopt, options(TruncationStrategy::kOnlySecond, 4)), ValueError);
  EXPECT_THROW(truncate(2, 10, options(TruncationStrategy::kOnlyFirst, 4)), ValueError);
  EXPECT_THROW(truncate(9, std::nullopt, options(TruncationStrategy::kLongestFirst, 4, 4)), ValueError);
}

TEST(SequencePlan, CombinesTheOverflowingPartsOfAPair) {
  const TemplateProcessor bert = bert_template({2, "[CLS]"}, {3, "[SEP]"});
  const TruncatedTexts texts = {{{0, 2}, {2, 4}}, {{0, 3}, {3, 5}}};
  const auto plans = plan_sequences(bert.pair, texts, true);
  std::vector<std::pair<size_t, size_t>> found;
  for (const SequencePlan& plan : plans) {
    ASSERT_EQ(plan.pieces.size(), 5U);
    found.emplace_back(plan.pieces[1].range.begin, plan.pieces[3].range.begin);
  }
  EXPECT_EQ(found, (std::vector<std::pair<size_t, size_t>>{{0, 0}, {2, 0}, {2, 3}, {0, 3}}));
  EXPECT_EQ(plan_sequences(bert.pair, texts, false)[0].length(), 5U);
}

TEST(SequencePlan, LimitsTheOverflow) {
  const TemplateProcessor bert = bert_template({2, "[CLS]"}, {3, "[SEP]"});
  const Ranges many(100'000, TokenRange{0, 100});
  EXPECT_THROW(plan_sequences(bert.pair, {many, many}, true), LimitError);
}

}  // namespace
}  // namespace calque
