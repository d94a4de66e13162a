#include <algorithm>
#include <bit>
#include <cstring>

#include "calque/threads.h"
#include "kernels/attention/attention_testing.h"
#include "kernels/registry.h"

namespace calque::kernels {
namespace {

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
