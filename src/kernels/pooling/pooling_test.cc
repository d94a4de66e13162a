#include "kernels/pooling/pooling.h"

#include <algorithm>
#include <cstring>

#include "calque/threads.h"
#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

class Pooling : public IsaTest {};
INSTANTIATE_TEST_SUITE_P(Isa, Pooling, kAllIsas, isa_test_name);

constexpr float kGuard = 77.0F;

struct Problem {
  std::vector<int64_t> offsets{0}, mask;
  std::vector<float> x, out;
  PoolArgs args;

  explicit Problem(std::mt19937& rng) {
    args.sequences = random_size(rng, 0, 5);
    args.cols = random_size(rng, 1, 400);
    args.x_row = args.cols + random_size(rng, 0, 3);
    args.out_row = args.cols + random_size(rng, 0, 3);
    for (int64_t s = 0; s < args.sequences; ++s) offsets.push_back(offsets.back() + random_size(rng, 0, 40));
    x = random_floats(rng, offsets.back() * args.x_row, 3.0F);
    if (random_size(rng, 0, 1) == 1) {
      for (int64_t r = 0; r < offsets.back(); ++r) mask.push_back(random_size(rng, 0, 2));
      for (int64_t r = 0; r < offsets.back(); ++r) {
        if (mask[static_cast<size_t>(r)] == 0) x[static_cast<size_t>(r * args.x_row)] = kNan;
      }
      args.mask = mask.data();
    }
    args.normalise = random_size(rng, 0, 1) == 1;
    out.assign(static_cast<size_t>(args.sequences * args.out_row), kGuard);
    args.offsets = offsets.data();
    args.x = x.data();
    args.out = out.data();
  }

  bool counts(int64_t r) const { return mask.empty() || mask[static_cast<size_t>(r)] != 0; }

  /// Values of row s, and the mean of magnitudes, by column.
  std::vector<std::pair<double, double>> mean(int64_t s) const {
    std::vector<std::pair<double, double>> values(static_cast<size_t>(args.cols));
    double tokens = 0;
    for (int64_t r = offsets[static_cast<size_t>(s)]; r < offsets[static_cast<size_t>(s) + 1]; ++r) {
      if (!counts(r)) continue;
      ++tokens;
      for (size_t c = 0; c < values.size(); ++c) {
        const auto value = static_cast<double>(x[static_cast<size_t>(r * args.x_row) + c]);
        values[c].first += value;
        values[c].second += std::abs(value);
      }
    }
    for (auto& [value, size] : values) {
      value /= std::max(tokens, 1.0);
      size /= std::max(tokens, 1.0);
    }
    return values;
  }
};

void normalise(std::vector<std::pair<double, double>>& values) {
  double squares = 0;
  for (const auto& [value, size] : values) squares += value * value;
  for (auto& [value, size] : values) {
    value /= std::max(std::sqrt(squares), 1e-12);
    size /= std::max(std::sqrt(squares), 1e-12);
  }
}

TEST_P(Pooling, MeanMatchesExactValues) {
  std::mt19937 rng(1);
  for (int round = 0; round < 150; ++round) {
    Problem p(rng);
    mean_pool(p.args);
    for (int64_t s = 0; s < p.args.sequences; ++s) {
      std::vector<std::pair<double, double>> wanted = p.mean(s);
      if (p.args.normalise) normalise(wanted);
      const double tokens =
          static_cast<double>(p.offsets[static_cast<size_t>(s) + 1] - p.offsets[static_cast<size_t>(s)]);
      double largest = 0;  // of the norm's elements: each has a part in its error
      for (const auto& [value, size] : wanted) largest = std::max(largest, size);
      for (size_t c = 0; c < wanted.size(); ++c) {
        const auto [value, size] = wanted[c];
        const double tolerance = p.args.normalise
                                     ? (2 * tokens + 12 + static_cast<double>(p.args.cols) / 16) * largest
                                     : (tokens + 1) * size;
        ASSERT_NEAR(p.out[static_cast<size_t>(s * p.args.out_row) + c], value, tolerance * 0x1p-24) << round;
      }
      for (int64_t c = p.args.cols; c < p.args.out_row; ++c) {
        ASSERT_EQ(p.out[static_cast<size_t>(s * p.args.out_row + c)], kGuard);
      }
    }
  }
}

TEST_P(Pooling, FirstTokens) {
  std::mt19937 rng(2);
  for (int round = 0; round < 50; ++round) {
    Problem p(rng);
    p.args.mask = nullptr;
    p.args.normalise = false;
    first_pool(p.args);
    for (int64_t s = 0; s < p.args.sequences; ++s) {
      const auto first = static_cast<size_t>(p.offsets[static_cast<size_t>(s)]);
      const bool empty = p.offsets[static_cast<size_t>(s)] == p.offsets[static_cast<size_t>(s) + 1];
      const float* found = p.out.data() + s * p.args.out_row;
      if (empty) {
        for (int64_t c = 0; c < p.args.cols; ++c) ASSERT_EQ(found[c], 0.0F);
      } else {
        ASSERT_EQ(std::memcmp(found, p.x.data() + first * static_cast<size_t>(p.args.x_row),
                              static_cast<size_t>(p.args.cols) * sizeof(float)),
                  0);
      }
      for (int64_t c = p.args.cols; c < p.args.out_row; ++c) ASSERT_EQ(found[c], kGuard);
    }
  }
  const int64_t offsets[] = {0, 1};
  const float x[] = {3, 4};
  float out[2];
  first_pool({.sequences = 1,
              .cols = 2,
              .offsets = offsets,
              .x = x,
              .x_row = 2,
              .out = out,
              .out_row = 2,
              .normalise = true});
  EXPECT_FLOAT_EQ(out[0], 0.6F);
  EXPECT_FLOAT_EQ(out[1], 0.8F);
}

TEST_P(Pooling, BatchesAndThreadsChangeNoBit) {
  std::mt19937 rng(3);
  const int before = get_num_threads();
  for (int round = 0; round < 20; ++round) {
    Problem p(rng);
    set_num_threads(1);
    mean_pool(p.args);
    const std::vector<float> wanted = p.out;
    set_num_threads(3);
    mean_pool(p.args);
    ASSERT_EQ(p.out, wanted);
    for (int64_t s = 0; s < p.args.sequences; ++s) {
      PoolArgs one = p.args;
      one.sequences = 1;
      one.offsets += s;
      one.out += s * one.out_row;
      mean_pool(one);
    }
    ASSERT_EQ(p.out, wanted);
  }
  set_num_threads(before);
}

TEST_P(Pooling, NothingToDoAndNan) {
  mean_pool({});
  first_pool({});
  const int64_t offsets[] = {0, 2};
  const float x[] = {1, kNan, 1, 2};
  float out[2];
  mean_pool({.sequences = 1, .cols = 2, .offsets = offsets, .x = x, .x_row = 2, .out = out, .out_row = 2});
  EXPECT_EQ(out[0], 1.0F);
  EXPECT_TRUE(std::isnan(out[1]));
}

}  // namespace
}  // namespace calque::kernels
