// The kernels of the matrix engine on emulated tiles, against those of plain C++ and against the manual's
// order of sums. All other laws of products in low precision run on them too, as the variant amx_emulated.
#include <bit>

#include "kernels/gemm_bf16/packed_bf16.h"
#include "kernels/gemm_int8/packed_int8.h"
#include "kernels/gemm_words/test_support.h"

namespace calque::kernels {
namespace {

class MatrixTest : public VariantTest {};
INSTANTIATE_TEST_SUITE_P(Isa, MatrixTest,
                         ::testing::Values(Variant{"amx_emulated", Isa::kAvx512, {true, true}, true},
                                           Variant{"amx", Isa::kAmx, {true, true}, false}),
                         variant_name);

Linear random_linear(std::mt19937& rng, int round) {
  const int64_t m = round % 3 == 0 ? random_size(rng, 1, 33) : random_size(rng, 1, 100);
  return Linear(rng, m, random_size(rng, 1, 150), random_size(rng, 0, 400));
}

GemmPackedArgs args_of(Linear& x, int round) {
  GemmPackedArgs args = x.args();
  args.bias = round % 2 == 0 ? x.bias.data() : nullptr;
  args.residual = round % 3 == 0 ? x.residual.data() : nullptr;
  args.residual_row = x.residual_row;
  return args;
}

TEST_P(MatrixTest, BytesAreThoseOfPlainCode) {
  std::mt19937 rng(21);
  for (int round = 0; round < 60; ++round) {
    Linear x = random_linear(rng, round);
    const GemmPackedArgs args = args_of(x, round);
    gemm_packed_int8(args, pack_int8_weights(x.k, x.n, x.w.data(), 1, x.k));
    const std::vector<float> found = x.c;
    x.expect_guards();
    set_active_isa(Isa::kScalar);
    gemm_packed_int8(args, pack_int8_weights(x.k, x.n, x.w.data(), 1, x.k));
    set_active_isa(GetParam().isa);
    ASSERT_EQ(found, x.c) << x.m << "x" << x.n << "x" << x.k;
  }
}

float rounded_to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
}

// Sixteen pairs at a time; their first elements and their second ones are summed apart.
float sum_of_manual(const Linear& x, int64_t i, int64_t j) {
  constexpr int64_t kStep = 32;
  float sum = 0;
  for (int64_t first = 0; first < x.k; first += kStep) {
    float parts[2] = {0, 0};
    for (int64_t t = first; t < std::min(first + kStep, x.k); ++t) {
      parts[t % 2] = std::fma(rounded_to_bf16(x.a_at(i, t)), rounded_to_bf16(x.w_at(j, t)), parts[t % 2]);
    }
    sum += parts[0] + parts[1];
  }
  return sum;
}

TEST_P(MatrixTest, PairsAreSummedAsTheManualSays) {
  std::mt19937 rng(22);
  for (int round = 0; round < 60; ++round) {
    Linear x = random_linear(rng, round);
    const GemmPackedArgs args = args_of(x, round);
    gemm_packed_bf16(args, pack_bf16(x.k, x.n, x.w.data(), 1, x.k));
    x.expect_guards();
    for (int64_t i = 0; i < x.m; ++i) {
      for (int64_t j = 0; j < x.n; ++j) {
        float wanted = sum_of_manual(x, i, j);
        wanted += args.bias == nullptr ? 0.0F : x.bias[static_cast<size_t>(j)];
        if (args.residual != nullptr) wanted += x.residual_at(i, j);
        ASSERT_EQ(x.c_at(i, j), wanted) << x.m << "x" << x.n << "x" << x.k << " at " << i << ", " << j;
      }
    }
  }
}

}  // namespace
}  // namespace calque::kernels
