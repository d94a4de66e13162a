#include "kernels/attention/attention.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "calque/threads.h"
#include "kernels/registry.h"
#include "kernels/test_support.h"

namespace calque::kernels {
namespace {

constexpr float kLowestFloat = std::numeric_limits<float>::lowest();
constexpr float kGuard = 77.0F;

class Attention : public IsaTest {
 protected:
  void TearDown() override {
    set_num_threads(threads_);
    IsaTest::TearDown();
  }

 private:
  int threads_ = get_num_threads();
};
INSTANTIATE_TEST_SUITE_P(Isa, Attention, kAllIsas, isa_test_name);

size_t at(int64_t i) { return static_cast<size_t>(i); }

// A call with all that it points to.
struct Problem {
  AttentionArgs args;
  std::vector<int64_t> q_offsets{0};
  std::vector<int64_t> k_offsets{0};
  std::vector<float> q, k, v, mask, out;

  void add_sequence(int64_t queries, int64_t keys) {
    q_offsets.push_back(q_offsets.back() + queries);
    k_offsets.push_back(k_offsets.back() + keys);
  }
  int64_t queries(int64_t s) const { return q_offsets[at(s + 1)] - q_offsets[at(s)]; }
  int64_t keys(int64_t s) const { return k_offsets[at(s + 1)] - k_offsets[at(s)]; }

  /// Heads side by side in rows with some room between them.
  void fill(std::mt19937& rng, int64_t heads, int64_t head_size, int64_t value_size, float size) {
    args.sequences = static_cast<int64_t>(q_offsets.size()) - 1;
    args.heads = heads;
    args.head_size = head_size;
    args.value_size = value_size;
    args.q_head = args.k_head = head_size + random_size(rng, 0, 2);
    args.v_head = args.out_head = value_size + random_size(rng, 0, 2);
    args.q_row = heads * args.q_head + random_size(rng, 0, 3);
    args.k_row = heads * args.k_head + random_size(rng, 0, 3);
    args.v_row = heads * args.v_head + random_size(rng, 0, 3);
    args.out_row = heads * args.out_head + random_size(rng, 0, 3);
    args.scale = 1.0F / std::sqrt(static_cast<float>(head_size));
    q = random_floats(rng, q_offsets.back() * args.q_row, size);
    k = random_floats(rng, k_offsets.back() * args.k_row, size);
    v = random_floats(rng, k_offsets.back() * args.v_row, size);
    out.assign(at(q_offsets.back() * args.out_row), kGuard);
  }

  /// A mask broadcast over the dimensions whose bits are clear in `kept`; each value is one of `values`.
  void add_mask(std::mt19937& rng, int kept, const std::vector<float>& values) {
    int64_t most_queries = 0, most_keys = 0;
    for (int64_t s = 0; s < args.sequences; ++s) {
      most_queries = std::max(most_queries, queries(s));
      most_keys = std::max(most_keys, keys(s));
    }
    int64_t size = 1 + random_size(rng, 0, 1);  // a key stride that is not 1, at times
    const auto next = [&](int bit, int64_t length) {
      if ((kept & bit) == 0) return int64_t{0};
      const int64_t stride = size;
      size *= std::max<int64_t>(length, 1);
      return stride;
    };
    args.mask_key = next(1, most_keys);
    args.mask_query = next(2, most_queries);
    args.mask_head = next(4, args.heads);
    args.mask_sequence = next(8, args.sequences);
    mask.resize(at(size));
    for (float& value : mask)
      value = values[at(random_size(rng, 0, static_cast<int64_t>(values.size()) - 1))];
  }

  void run() {
    args.q_offsets = q_offsets.data();
    args.k_offsets = k_offsets.data();
    args.q = q.data();
    args.k = k.data();
    args.v = v.data();
    args.out = out.data();
    args.mask = mask.empty() ? nullptr : mask.data();
    attention(args);
  }

  float* out_row(int64_t s, int64_t h, int64_t i) {
    return out.data() + (q_offsets[at(s)] + i) * args.out_row + h * args.out_head;
  }
  int64_t seen(int64_t s, int64_t i) const {
    return args.causal ? std::clamp<int64_t>(i + args.causal_offset + 1, 0, keys(s)) : keys(s);
  }
};

struct Exact {
  std::vector<double> values;
  double tolerance = 0;
};

/// One row, with scores rounded to float as the lowest float needs, else in double, and the header's bound.
Exact exact_row(const Problem& p, int64_t s, int64_t h, int64_t i) {
  const AttentionArgs& args = p.args;
  const int64_t seen = p.seen(s, i);
  const float* q = p.q.data() + (p.q_offsets[at(s)] + i) * args.q_row + h * args.q_head;
  std::vector<double> weights(at(seen));
  double magnitude = 0, largest_score = 0, max = -std::numeric_limits<double>::infinity(), sum = 0,
         largest_value = 0;
  for (int64_t j = 0; j < seen; ++j) {
    const float* k = p.k.data() + (p.k_offsets[at(s)] + j) * args.k_row + h * args.k_head;
    double dot = 0, size = 0;
    for (int64_t c = 0; c < args.head_size; ++c) {
      dot += static_cast<double>(q[c]) * static_cast<double>(k[c]);
      size += std::abs(static_cast<double>(q[c]) * static_cast<double>(k[c]));
    }
    double score = static_cast<double>(args.scale) * dot;
    if (!p.mask.empty()) {
      const float added =
          p.mask[at(s * args.mask_sequence + h * args.mask_head + i * args.mask_query + j * args.mask_key)];
      score = added < -1e30F ? static_cast<double>(static_cast<float>(score) + added)
                             : score + static_cast<double>(added);
    }
    magnitude = std::max(magnitude, size * static_cast<double>(std::abs(args.scale)));
    if (score > -1e30) largest_score = std::max(largest_score, std::abs(score));
    max = std::max(max, score);
    weights[at(j)] = score;
  }
  const bool empty = max == -std::numeric_limits<double>::infinity();
  for (double& weight : weights) sum += weight = empty ? 0 : std::exp(weight - max);
  Exact exact;
  for (int64_t c = 0; c < args.value_size; ++c) {
    double value = 0;
    for (int64_t j = 0; j < seen; ++j) {
      const float v = p.v[at((p.k_offsets[at(s)] + j) * args.v_row + h * args.v_head + c)];
      value += weights[at(j)] * static_cast<double>(v);
      largest_value = std::max(largest_value, std::abs(static_cast<double>(v)));
    }
    exact.values.push_back(p.keys(s) == 0 || (sum == 0 && args.empty_rows_are_zero) ? 0 : value / sum);
  }
  const auto keys = static_cast<double>(seen);
  exact.tolerance =
      (2 * static_cast<double>(args.head_size + 1) * magnitude + 8 * largest_score + 2 * keys + 32) *
      0x1p-24 * largest_value;
  return exact;
}

void expect_exact(Problem& p) {
  for (int64_t s = 0; s < p.args.sequences; ++s) {
    for (int64_t h = 0; h < p.args.heads; ++h) {
      for (int64_t i = 0; i < p.queries(s); ++i) {
        const Exact exact = exact_row(p, s, h, i);
        for (int64_t c = 0; c < p.args.value_size; ++c) {
          const double found = static_cast<double>(p.out_row(s, h, i)[c]);
          const double wanted = exact.values[at(c)];
          if (std::isnan(wanted)) {
            ASSERT_TRUE(std::isnan(found)) << found;
          } else {
            ASSERT_LE(std::abs(found - wanted), exact.tolerance)
                << found << " for " << wanted << " sequence " << s << " head " << h << " query " << i
                << " keys " << p.keys(s) << " size " << p.args.head_size << " value " << c;
          }
        }
      }
    }
  }
}

/// What lies between the rows and heads of `out` is as before.
void expect_guards(Problem& p) {
  for (int64_t s = 0; s < p.args.sequences; ++s) {
    for (int64_t i = 0; i < p.queries(s); ++i) {
      for (int64_t h = 0; h < p.args.heads; ++h) {
        std::fill_n(p.out_row(s, h, i), p.args.value_size, kGuard);
      }
    }
  }
  for (const float value : p.out) ASSERT_EQ(value, kGuard);
}

const std::vector<std::vector<float>> kMaskValues = {{0.0F, -1.5F, 2.25F}, {0.0F, 0.0F, -kInf},
                                                     {0.0F, kLowestFloat}, {0.0F, -10000.0F},
                                                     {kLowestFloat},       {-kInf}};

TEST_P(Attention, MatchesExactValues) {
  std::mt19937 rng(1);
  for (int round = 0; round < 240; ++round) {
    SCOPED_TRACE(round);
    Problem p;
    const int64_t sequences = random_size(rng, 1, 4);
    for (int64_t s = 0; s < sequences; ++s) p.add_sequence(random_size(rng, 0, 40), random_size(rng, 0, 70));
    const int64_t sizes[] = {32, 64, random_size(rng, 1, 90)};
    p.fill(rng, random_size(rng, 1, 3), sizes[round % 3], sizes[round / 3 % 3], round % 2 == 0 ? 1.0F : 4.0F);
    p.args.causal = round % 4 == 3;
    p.args.causal_offset = round % 8 == 3 ? 0 : random_size(rng, -5, 30);
    p.args.empty_rows_are_zero = round % 5 == 0;
    if (round % 3 != 0) p.add_mask(rng, round / 3 % 16, kMaskValues[at(round) % kMaskValues.size()]);
    p.run();
    expect_exact(p);
    if (HasFatalFailure()) return;
    expect_guards(p);
  }
}

TEST_P(Attention, KeysOfManyBlocks) {
  std::mt19937 rng(2);
  int form = 0;
  for (const int64_t keys : {511, 512, 513, 1024, 1700}) {
    for (const bool causal : {false, true}) {
      SCOPED_TRACE(keys);
      Problem p;
      p.add_sequence(random_size(rng, 1, 30), keys);
      p.add_sequence(keys / 8, keys / 2);
      p.fill(rng, 1, 32, 32, 3.0F);
      p.args.causal = causal;
      p.args.causal_offset = keys - 40;
      if (form % 2 == 1) p.add_mask(rng, 1 + form % 4, kMaskValues[at(form) % 4]);
      ++form;
      p.run();
      expect_exact(p);
      if (HasFatalFailure()) return;
      expect_guards(p);
    }
  }
}

TEST_P(Attention, HeadsOfMoreThanOneBlock) {
  std::mt19937 rng(3);
  Problem p;
  p.add_sequence(14, 50);
  p.add_sequence(1, 3);
  p.fill(rng, 2, 1100, 530, 1.0F);
  p.run();
  expect_exact(p);
  expect_guards(p);
}

// A block of keys that are all masked comes before and after one with keys that count.
TEST_P(Attention, MaskedBlocks) {
  std::mt19937 rng(4);
  for (const float masked : {-kInf, kLowestFloat}) {
    for (const int64_t counts : {int64_t{0}, kAttentionKeys + 3, 2 * kAttentionKeys + 9}) {
      Problem p;
      p.add_sequence(5, 3 * kAttentionKeys);
      p.fill(rng, 1, 32, 32, 2.0F);
      p.add_mask(rng, 1, {masked});
      const int64_t step = p.args.mask_key;
      for (int64_t j = counts; j < counts + 7; ++j) p.mask[at(j * step)] = -30.0F;
      p.run();
      expect_exact(p);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Attention, RowsWithoutKeys) {
  std::mt19937 rng(5);
  for (const bool zero : {false, true}) {
    for (const int64_t queries : {1, 3, 33}) {
      Problem masked;
      masked.add_sequence(queries, 20);
      masked.fill(rng, 2, 32, 32, 1.0F);
      masked.add_mask(rng, 0, {-kInf});
      masked.args.empty_rows_are_zero = zero;
      masked.run();
      Problem causal;
      causal.add_sequence(queries, 20);
      causal.fill(rng, 2, 32, 32, 1.0F);
      causal.args.causal = true;
      causal.args.causal_offset = -queries;
      causal.args.empty_rows_are_zero = zero;
      causal.run();
      for (Problem* p : {&masked, &causal}) {
        for (int64_t i = 0; i < queries; ++i) {
          for (int64_t c = 0; c < 32; ++c) {
            const float value = p->out_row(0, 1, i)[c];
            ASSERT_TRUE(zero ? value == 0 : std::isnan(value)) << value;
          }
        }
      }
    }
  }
  Problem without;
  without.add_sequence(9, 0);
  without.fill(rng, 2, 32, 32, 1.0F);
  without.run();
  for (int64_t i = 0; i < 9; ++i) ASSERT_EQ(without.out_row(0, 1, i)[31], 0.0F);
}

TEST_P(Attention, NanAndInfinityPropagate) {
  std::mt19937 rng(6);
  for (const float special : {kNan, kInf}) {
    for (const int64_t keys : {30, 700}) {
      Problem p;
      p.add_sequence(20, keys);
      p.fill(rng, 1, 32, 32, 1.0F);
      p.args.empty_rows_are_zero = true;
      p.add_mask(rng, 3, {0.0F, -kInf});
      p.mask[at(7 * p.args.mask_query + (keys - 3) * p.args.mask_key)] = special;
      p.run();
      for (int64_t i = 0; i < 20; ++i) {
        for (int64_t c = 0; c < 32; ++c) ASSERT_EQ(std::isnan(p.out_row(0, 0, i)[c]), i == 7) << i;
      }
      p.mask.clear();
      p.v[at(5 * p.args.v_row + 3)] = kNan;
      p.run();
      for (int64_t i = 0; i < 20; ++i) {
        for (int64_t c = 0; c < 32; ++c) ASSERT_EQ(std::isnan(p.out_row(0, 0, i)[c]), c == 3);
      }
    }
  }
}

TEST_P(Attention, WhatIsNotSeenDoesNotCount) {
  std::mt19937 rng(7);
  Problem p;
  p.add_sequence(40, 40);
  p.fill(rng, 1, 32, 32, 1.0F);
  p.args.causal = true;
  for (int64_t j = 10; j < 40; ++j) p.k[at(j * p.args.k_row)] = p.v[at(j * p.args.v_row)] = kNan;
  p.run();
  for (int64_t i = 0; i < 40; ++i) ASSERT_EQ(std::isnan(p.out_row(0, 0, i)[0]), i >= 10) << i;
}

TEST_P(Attention, Exponentials) {
  const AttentionKernels& kernels = *active_kernels().attention;
  std::mt19937 rng(10);
  for (const float low : {0.01F, 1.0F, 20.0F, 87.0F}) {
    for (float x : random_floats(rng, 20000, low)) {
      x = -std::abs(x);
      const double wanted = std::exp(static_cast<double>(x));
      float found = x;
      ASSERT_EQ(kernels.exp_and_sum(1, 0, &found), found);
      ASSERT_LE(std::abs(static_cast<double>(found) - wanted), wanted * (x < -20 ? 0x1p-21 : 0x1p-22)) << x;
    }
  }
  float ends[] = {0, -0.0F, -88, -104, -200, -3e38F, -kInf, kNan};
  kernels.exp_and_sum(8, 0, ends);
  EXPECT_EQ(ends[0], 1.0F);
  EXPECT_EQ(ends[1], 1.0F);
  EXPECT_NEAR(ends[2], std::exp(-88.0), 1e-44);
  for (int i = 3; i < 7; ++i) EXPECT_EQ(ends[i], 0.0F) << i;
  EXPECT_TRUE(std::isnan(ends[7]));
}

// Each row again, alone: as a sequence of one query, which takes other tiles, packs nothing and starts
// elsewhere.
TEST_P(Attention, RowsAreIndependentBitForBit) {
  std::mt19937 rng(8);
  for (int round = 0; round < 24; ++round) {
    Problem p;
    const int64_t queries = random_size(rng, 2, 90), keys = round % 3 == 0 ? 1300 : random_size(rng, 1, 600);
    p.add_sequence(queries, keys);
    const int64_t value_size = round % 4 == 1 ? 37 : 64;
    p.fill(rng, 2, 32, value_size, 3.0F);
    p.args.causal = round % 2 == 1;
    p.args.causal_offset = round % 4 == 1 ? keys - queries : 0;
    if (round % 5 < 3) p.add_mask(rng, 1 + round % 4, kMaskValues[at(round) % 4]);
    p.run();
    const std::vector<float> together = p.out;
    std::fill(p.out.begin(), p.out.end(), kGuard);
    const AttentionArgs all = p.args;
    const int64_t offsets_q[] = {0, 1}, offsets_k[] = {0, keys};
    for (int64_t i = 0; i < queries; ++i) {
      AttentionArgs one = all;
      one.q_offsets = offsets_q;
      one.k_offsets = offsets_k;
      one.q += i * all.q_row;
      one.out += i * all.out_row;
      if (one.mask != nullptr) one.mask += i * all.mask_query;
      one.causal_offset += i;
      attention(one);
    }
    for (size_t i = 0; i < together.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(together[i]), std::bit_cast<uint32_t>(p.out[i]))
          << round << " at " << i;
    }
  }
}

TEST_P(Attention, ThreadsAndBatchesChangeNoBit) {
  std::mt19937 rng(9);
  Problem p;
  for (const int64_t length : {1, 130, 0, 700, 33, 8, 8}) p.add_sequence(length, length);
  p.fill(rng, 3, 32, 32, 2.0F);
  p.args.causal = true;
  set_num_threads(1);
  p.run();
  const std::vector<float> wanted = p.out;
  for (const int threads : {2, 3, 7}) {
    set_num_threads(threads);
    std::fill(p.out.begin(), p.out.end(), kGuard);
    p.run();
    ASSERT_EQ(std::memcmp(p.out.data(), wanted.data(), wanted.size() * sizeof(float)), 0) << threads;
  }
  std::fill(p.out.begin(), p.out.end(), kGuard);
  for (int64_t s = 0; s < p.args.sequences; ++s) {
    AttentionArgs one = p.args;
    one.sequences = 1;
    one.q_offsets += s;
    one.k_offsets += s;
    attention(one);
  }
  ASSERT_EQ(std::memcmp(p.out.data(), wanted.data(), wanted.size() * sizeof(float)), 0);
}

TEST_P(Attention, NothingToDo) {
  const int64_t offsets[] = {0, 0};
  attention({});
  attention({.sequences = 1,
             .heads = 2,
             .head_size = 3,
             .value_size = 4,
             .q_offsets = offsets,
             .k_offsets = offsets});
  const int64_t one[] = {0, 1};
  attention(
      {.sequences = 1, .heads = 2, .head_size = 3, .value_size = 0, .q_offsets = one, .k_offsets = one});
}

// Scores of heads without elements are 0: the mean of the values.
TEST_P(Attention, HeadsWithoutElements) {
  const int64_t one[] = {0, 1}, four[] = {0, 4};
  const std::vector<float> v = {1, 2, 3, 6};
  float out = kGuard;
  attention({.sequences = 1,
             .heads = 1,
             .head_size = 0,
             .value_size = 1,
             .q_offsets = one,
             .k_offsets = four,
             .v = v.data(),
             .v_row = 1,
             .out = &out});
  EXPECT_EQ(out, 3.0F);
}

}  // namespace
}  // namespace calque::kernels
