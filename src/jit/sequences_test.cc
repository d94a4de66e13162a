#include "calque/sequences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "calque/error.h"
#include "tensor/testing.h"
#include "torchscript/reader_testing.h"

namespace calque::jit {
namespace {

using testing::HasSubstr;
using torchscript::testing_support::FakeArchive;
using torchscript::testing_support::load_bytes;
using torchscript::testing_support::pickled_object;

Module module_of(const std::string& forward) {
  FakeArchive archive;
  archive.sources = {{"__torch__", "class M(Module):\n  training : bool\n" + forward}};
  archive.data_pickle = pickled_object("M", {{"training", "\x88"}});
  return Module(load_bytes(archive.bytes()).root);
}

/// Gives its masked tokens with types, their sum, and how many rows shared the call.
Module adder() {
  return module_of(
      "  def forward(self: __torch__.M, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) "
      "-> "
      "Tuple[Tensor, Tensor, int]:\n"
      "    a = torch.mul(input_ids, attention_mask)\n"
      "    return (torch.add(a, token_type_ids), torch.sum(a, [1]), torch.size(input_ids, 0))\n");
}

std::vector<TokenSequence> counting(const std::vector<int64_t>& lengths) {
  std::vector<TokenSequence> sequences;
  for (const int64_t length : lengths) {
    TokenSequence& sequence = sequences.emplace_back();
    sequence.input_ids.resize(static_cast<size_t>(length));
    std::iota(sequence.input_ids.begin(), sequence.input_ids.end(), length);
    sequence.token_type_ids.assign(static_cast<size_t>(length), length % 2);
  }
  return sequences;
}

void check_result(const IValue& result, const TokenSequence& sequence) {
  const std::vector<IValue>& parts = result.toTuple()->elements();
  const auto length = static_cast<int64_t>(sequence.input_ids.size());
  ASSERT_EQ(parts[0].toTensor().numel(), length);
  int64_t sum = 0;
  for (int64_t i = 0; i < length; ++i) {
    const auto at = static_cast<size_t>(i);
    sum += sequence.input_ids[at];
    EXPECT_EQ(parts[0].toTensor()[i].item<int64_t>(), sequence.input_ids[at] + sequence.token_type_ids[at]);
  }
  EXPECT_EQ(parts[1].toTensor().dim(), 0);
  EXPECT_EQ(parts[1].toTensor().item<int64_t>(), sum);
}

TEST(Sequences, EachHasItsOwnResultInTheGivenOrder) {
  const Module module = adder();
  const std::vector<TokenSequence> sequences = counting({3, 1, 7, 7, 2, 5});
  for (const int64_t max_tokens : {int64_t{1}, int64_t{8}, int64_t{21}, int64_t{1000}}) {
    const std::vector<IValue> results =
        run_sequences(module, sequences, {.pad_id = 9, .max_tokens = max_tokens});
    ASSERT_EQ(results.size(), sequences.size());
    for (size_t i = 0; i < results.size(); ++i) {
      check_result(results[i], sequences[i]);
      const int64_t rows = results[i].toTuple()->elements()[2].toInt();
      EXPECT_TRUE(rows == 1 || rows * static_cast<int64_t>(sequences[i].input_ids.size()) <= max_tokens);
      if (max_tokens == 1000) {
        EXPECT_EQ(rows, 6);
      }
    }
  }
}

TEST(Sequences, NoneIsNoCall) { EXPECT_TRUE(run_sequences(adder(), {}).empty()); }

TEST(Sequences, WithoutAMaskOnlyEqualLengthsShareACall) {
  const Module module = module_of(
      "  def forward(self: __torch__.M, ids: Tensor) -> Tuple[Tensor, int]:\n"
      "    return (torch.sum(ids, [1]), torch.size(ids, 0))\n");
  std::vector<TokenSequence> sequences = counting({2, 3, 2, 4});
  for (TokenSequence& sequence : sequences) sequence.token_type_ids.clear();
  const std::vector<IValue> results = run_sequences(module, sequences, {.ids_argument = "ids"});
  const std::vector<int64_t> sums = {5, 12, 5, 22}, rows = {2, 1, 2, 1};
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].toTuple()->elements()[0].toTensor().item<int64_t>(), sums[i]);
    EXPECT_EQ(results[i].toTuple()->elements()[1].toInt(), rows[i]);
  }
  EXPECT_THAT(message_of<ValueError>([&] { run_sequences(module, sequences); }),
              HasSubstr("has no argument 'input_ids' for the token ids; it has: ids"));
}

TEST(Sequences, WrongOnesAreRefused) {
  const Module module = adder();
  std::vector<TokenSequence> sequences = counting({3, 2});
  sequences[1].token_type_ids.push_back(0);
  EXPECT_THAT(message_of<ValueError>([&] { run_sequences(module, sequences); }),
              HasSubstr("sequence 1 has 3 token types, expected one for each of its 2 tokens"));
  sequences[0].input_ids.clear();
  EXPECT_THAT(message_of<ValueError>([&] { run_sequences(module, sequences); }),
              HasSubstr("sequence 0 has no tokens"));
  EXPECT_THROW(run_sequences(module, counting({1}), {.max_tokens = 0}), ValueError);
  EXPECT_THROW(run_sequences(module, counting({1}), {.method = "other"}), RuntimeError);
}

}  // namespace
}  // namespace calque::jit
