#include "kernels/embedding/embedding_sum.h"

#include <algorithm>

#include "calque/threads.h"
#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class EmbeddingSum : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, EmbeddingSum, kAllIsas, isa_test_name);

constexpr float kGuard = 77.0F;

struct Tables {
  std::vector<float> rows[kMaxEmbeddingTables];
  std::vector<int64_t> ids[kMaxEmbeddingTables];
  std::vector<float> weight, bias, out;
  EmbeddingSumArgs args;

  explicit Tables(std::mt19937& rng) {
    args.rows = random_size(rng, 0, 60);
    args.cols = random_size(rng, 2, 200);
    args.table_count = static_cast<int>(random_size(rng, 1, kMaxEmbeddingTables));
    for (int t = 0; t < args.table_count; ++t) fill(rng, args.tables[t], rows[t], ids[t]);
    args.normalise = random_size(rng, 0, 2) > 0;
    weight = random_floats(rng, args.cols);
    bias = random_floats(rng, args.cols);
    if (random_size(rng, 0, 1) == 1) {
      args.weight = weight.data();
      args.bias = bias.data();
    }
    args.out_row = args.cols + random_size(rng, 0, 3);
    out.assign(static_cast<size_t>(args.rows * args.out_row), kGuard);
    args.out = out.data();
  }

  void fill(std::mt19937& rng, EmbeddingTable& table, std::vector<float>& values,
            std::vector<int64_t>& indices) const {
    table.count = random_size(rng, 1, 40);
    table.stride = args.cols + random_size(rng, 0, 3);
    values = random_floats(rng, table.count * table.stride, 2.0F);
    table.rows = values.data();
    table.first = random_size(rng, 0, table.count - 1);
    table.period = random_size(rng, 0, table.count - table.first);
    if (random_size(rng, 0, 1) == 0) return;
    for (int64_t r = 0; r < args.rows; ++r) indices.push_back(random_size(rng, 0, table.count - 1));
    table.ids = indices.data();
  }

  const float* row(int t, int64_t r) const {
    const EmbeddingTable& table = args.tables[t];
    const int64_t implicit = table.first + (table.period > 0 ? r % table.period : 0);
    return table.rows + (table.ids != nullptr ? ids[t][static_cast<size_t>(r)] : implicit) * table.stride;
  }
};

TEST_P(EmbeddingSum, MatchesExactValues) {
  std::mt19937 rng(1);
  for (int round = 0; round < 200; ++round) {
    Tables p(rng);
    const EmbeddingSumArgs& args = p.args;
    ASSERT_EQ(first_bad_index(args).table, -1);
    embedding_sum_rows(args);
    for (int64_t r = 0; r < args.rows; ++r) {
      std::vector<float> sum(p.row(0, r), p.row(0, r) + args.cols);
      for (int t = 1; t < args.table_count; ++t) {
        for (size_t c = 0; c < sum.size(); ++c) sum[c] += p.row(t, r)[c];
      }
      const float* found = p.out.data() + r * args.out_row;
      double mean = 0, variance = 0;
      for (const float x : sum) mean += static_cast<double>(x) / static_cast<double>(args.cols);
      for (const float x : sum)
        variance += std::pow(static_cast<double>(x) - mean, 2) / static_cast<double>(args.cols);
      for (size_t c = 0; c < sum.size(); ++c) {
        if (!args.normalise) {
          ASSERT_EQ(found[c], sum[c]);
          continue;
        }
        double wanted = (static_cast<double>(sum[c]) - mean) / std::sqrt(variance + 1e-12);
        const double tolerance = 3e-6 * (1 + std::abs(wanted));
        if (args.weight != nullptr)
          wanted = wanted * static_cast<double>(p.weight[c]) + static_cast<double>(p.bias[c]);
        ASSERT_NEAR(found[c], wanted, tolerance);
      }
      for (int64_t c = args.cols; c < args.out_row; ++c) ASSERT_EQ(found[c], kGuard);
    }
  }
}

TEST_P(EmbeddingSum, RowsAndThreadsChangeNoBit) {
  std::mt19937 rng(2);
  const int64_t rows = 500, cols = 384;
  const std::vector<float> words = random_floats(rng, 100 * cols), positions = random_floats(rng, 50 * cols);
  std::vector<int64_t> ids;
  for (int64_t r = 0; r < rows; ++r) ids.push_back(random_size(rng, 0, 99));
  std::vector<float> out(static_cast<size_t>(rows * cols)), one(static_cast<size_t>(cols)), again(out.size());
  EmbeddingSumArgs args{.rows = rows, .cols = cols, .table_count = 2, .normalise = true, .out_row = cols};
  args.tables[0] = {.rows = words.data(), .count = 100, .stride = cols, .ids = ids.data()};
  args.tables[1] = {.rows = positions.data(), .count = 50, .stride = cols, .period = 50};
  const int before = get_num_threads();
  set_num_threads(1);
  args.out = out.data();
  embedding_sum_rows(args);
  set_num_threads(3);
  args.out = again.data();
  embedding_sum_rows(args);
  set_num_threads(before);
  EXPECT_EQ(out, again);
  for (const int64_t r : {int64_t{0}, int64_t{17}, rows - 1}) {
    EmbeddingSumArgs single = args;
    single.rows = 1;
    single.out = one.data();
    single.tables[0].ids = ids.data() + r;
    single.tables[1].first = r % 50;
    single.tables[1].period = 0;
    embedding_sum_rows(single);
    EXPECT_TRUE(std::equal(one.begin(), one.end(), out.begin() + r * cols));
  }
}

TEST(EmbeddingIndices, TheFirstBadOneIsFound) {
  const std::vector<int64_t> ids = {0, 3, 9, 2, 10, -1};
  EXPECT_EQ(first_bad_id(ids.data(), 6, 10), 4);
  EXPECT_EQ(first_bad_id(ids.data(), 4, 10), 4);
  EXPECT_EQ(first_bad_id(ids.data() + 5, 1, 10), 0);
  EXPECT_EQ(first_bad_id(nullptr, 0, 10), 0);
  EmbeddingSumArgs args{.rows = 6, .cols = 1, .table_count = 2};
  args.tables[0] = {.count = 10, .ids = ids.data()};
  BadEmbeddingIndex bad = first_bad_index(args);
  EXPECT_EQ(bad.table, 0);
  EXPECT_EQ(bad.row, 4);
  EXPECT_EQ(bad.index, 10);
  args.tables[0].count = 11;
  EXPECT_EQ(first_bad_index(args).index, -1);
  args.tables[0] = {.count = 1};
  args.tables[1] = {.count = 5, .first = 2, .period = 4};
  bad = first_bad_index(args);
  EXPECT_EQ(bad.table, 1);
  EXPECT_EQ(bad.row, 3);
  EXPECT_EQ(bad.index, 5);
  args.tables[1].period = 3;
  EXPECT_EQ(first_bad_index(args).table, -1);
  args.tables[1].first = 5;
  EXPECT_EQ(first_bad_index(args).row, 0);
  args.tables[1].first = -1;
  EXPECT_EQ(first_bad_index(args).index, -1);
  args.rows = 0;
  EXPECT_EQ(first_bad_index(args).table, -1);
  embedding_sum_rows(args);
}

}  // namespace
}  // namespace calque::kernels
