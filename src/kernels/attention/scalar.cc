#include "kernels/attention/ops.h"
#include "kernels/simd/portable.h"

namespace calque::kernels {

constexpr AttentionKernels kAttentionScalar = AttentionOps<portable::F32, 4, 8, false>::kernels();

}  // namespace calque::kernels
