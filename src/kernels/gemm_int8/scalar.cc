#include <array>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_int8/ops.h"

namespace calque::kernels {

namespace {

struct ScalarSums {
  static constexpr int kColumns = kInt8Columns;
  struct Block {
    explicit Block(const int8_t* b) : pairs(b) {}
    const int8_t* pairs;
  };

  void add(int32_t pair, const Block& block) {
    const auto first = static_cast<int16_t>(pair & 0xffff);
    const auto second = static_cast<int16_t>(pair >> 16);
    for (size_t j = 0; j < kColumns; ++j) {
      sums[j] += first * block.pairs[2 * j] + second * block.pairs[2 * j + 1];
    }
  }
  void store(int32_t* out) const { std::memcpy(out, sums.data(), sizeof sums); }

  std::array<int32_t, kColumns> sums{};
};

}  // namespace

constexpr GemmInt8Kernels kGemmInt8Scalar = GemmInt8Ops<ScalarSums>::kKernels;

}  // namespace calque::kernels
