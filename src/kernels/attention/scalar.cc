#include "kernels/attention/ops.h"
#include "kernels/simd/portable.h"

namespace calque::kernels {

namespace {

void pack_keys(int64_t depth, int64_t keys, const float* k, int64_t ld, float* packed, int64_t row) {
  for (int64_t i = 0; i < depth; ++i) {
    for (int64_t j = 0; j < keys; ++j) packed[i * row + j] = k[j * ld + i];
  }
}

}  // namespace

constexpr AttentionKernels kAttentionScalar = AttentionOps<portable::F32, 4, 8, false>::kernels(pack_keys);

}  // namespace calque::kernels
