#include <arm_neon.h>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_int8/ops.h"

namespace calque::kernels {

namespace {

struct NeonSums {
  static constexpr int kColumns = kInt8Columns;

  /// The first and the second integers of the pairs.
  struct Block {
    explicit Block(const int8_t* b) {
      const int8x16x2_t pairs = vld2q_s8(b);
      for (int i = 0; i < 2; ++i) {
        halves[i][0] = vmovl_s8(vget_low_s8(pairs.val[i]));
        halves[i][1] = vmovl_high_s8(pairs.val[i]);
      }
    }
    int16x8_t halves[2][2];
  };

  void add(int32_t pair, const Block& block) {
    for (int i = 0; i < 2; ++i) {
      const auto a = static_cast<int16_t>(pair >> (16 * i));
      for (int half = 0; half < 2; ++half) {
        sums[2 * half] = vmlal_n_s16(sums[2 * half], vget_low_s16(block.halves[i][half]), a);
        sums[2 * half + 1] = vmlal_high_n_s16(sums[2 * half + 1], block.halves[i][half], a);
      }
    }
  }
  void store(int32_t* out) const {
    for (int i = 0; i < 4; ++i) vst1q_s32(out + 4 * i, sums[i]);
  }

  int32x4_t sums[4] = {};
};

}  // namespace

constexpr GemmInt8Kernels kGemmInt8Neon = GemmInt8Ops<NeonSums>::kKernels;

}  // namespace calque::kernels
