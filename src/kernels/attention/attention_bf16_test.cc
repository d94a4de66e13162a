#include <bit>

#include "calque/threads.h"
#include "kernels/attention/attention_testing.h"

namespace calque::kernels {
namespace {

// Whether the processor's products of bfloat16 may be used; without them it is attention().
class AttentionBf16 : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !best_extensions().bf16) GTEST_SKIP() << "the processor lacks dot products of bfloat16";
    if (!GetParam() && best_extensions().bf16) set_active_extensions({});
  }
  void TearDown() override {
    set_active_extensions(best_extensions());
    set_num_threads(threads_);
  }

 private:
  int threads_ = get_num_threads();
};
INSTANTIATE_TEST_SUITE_P(Products, AttentionBf16, ::testing::Values(false, true));

void expect_same_bits(const std::vector<float>& found, const std::vector<float>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(wanted[i])) << i;
  }
}

TEST_P(AttentionBf16, WithinItsBound) {
  std::mt19937 rng(1);
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(round);
    Problem p;
    const int64_t sequences = random_size(rng, 1, 3);
    for (int64_t s = 0; s < sequences; ++s) {
      p.add_sequence(random_size(rng, 0, 40), random_size(rng, 0, round % 10 == 0 ? 1300 : 70));
    }
    const int64_t sizes[] = {32, 64, random_size(rng, 1, 300)};
    p.fill(rng, random_size(rng, 1, 2), sizes[round % 3], sizes[round / 3 % 3], 2.0F);
    p.args.causal = round % 4 == 3;
    p.args.causal_offset = round % 8 == 3 ? 0 : random_size(rng, -5, 30);
    p.args.empty_rows_are_zero = round % 5 == 0;
    if (round % 3 != 0) p.add_mask(rng, round / 3 % 16, kMaskValues[at(round) % kMaskValues.size()]);
    p.run(attention_bf16);
    expect_exact(p, &Exact::tolerance_bf16);
    if (HasFatalFailure()) return;
    expect_guards(p);
  }
}

TEST_P(AttentionBf16, HeadsOfMoreThanOneBlock) {
  std::mt19937 rng(2);
  Problem p;
  p.add_sequence(14, 51);
  p.fill(rng, 1, 1101, 70, 0.5F);
  p.run(attention_bf16);
  expect_exact(p, &Exact::tolerance_bf16);
}

TEST_P(AttentionBf16, RoundsItsInputsOrIsAttention) {
  std::mt19937 rng(3);
  Problem p;
  p.add_sequence(20, 30);
  p.fill(rng, 2, 32, 32, 1.0F);
  p.run();
  const std::vector<float> exact = p.out;
  p.run(attention_bf16);
  EXPECT_EQ(p.out == exact, !GetParam());
  for (std::vector<float>* values : {&p.q, &p.k, &p.v}) {
    for (float& value : *values) value = std::bit_cast<float>(std::bit_cast<uint32_t>(value) & 0xFFFF0000U);
  }
  p.run(attention_bf16);
  const std::vector<float> found = p.out;
  p.run();
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], p.out[i], 0x1p-9);  // the weights alone are rounded
}

TEST_P(AttentionBf16, RowsAndThreadsChangeNoBit) {
  std::mt19937 rng(4);
  for (const bool causal : {false, true}) {
    Problem p;
    for (const int64_t length : {45, 130, 600}) p.add_sequence(length, length);
    p.fill(rng, 2, 32, 64, 2.0F);
    p.args.causal = causal;
    set_num_threads(1);
    p.run(attention_bf16);
    const std::vector<float> wanted = p.out;
    set_num_threads(3);
    std::fill(p.out.begin(), p.out.end(), kGuard);
    p.run(attention_bf16);
    expect_same_bits(p.out, wanted);
    std::fill(p.out.begin(), p.out.end(), kGuard);
    for (int64_t s = 0; s < p.args.sequences; ++s) {
      for (int64_t i = 0; i < p.queries(s); ++i) {
        const int64_t row = p.q_offsets[at(s)] + i;
        const int64_t offsets[] = {row, row + 1};
        AttentionArgs one = p.args;
        one.sequences = 1;
        one.q_offsets = offsets;
        one.k_offsets += s;
        one.causal_offset += i;
        attention_bf16(one);
      }
    }
    expect_same_bits(p.out, wanted);
  }
}

TEST_P(AttentionBf16, NanPropagates) {
  std::mt19937 rng(5);
  Problem p;
  p.add_sequence(20, 31);
  p.fill(rng, 1, 32, 32, 1.0F);
  p.q[at(7 * p.args.q_row)] = kNan;
  p.run(attention_bf16);
  for (int64_t i = 0; i < 20; ++i) ASSERT_EQ(std::isnan(p.out_row(0, 0, i)[31]), i == 7) << i;
}

}  // namespace
}  // namespace calque::kernels
