#include "kernels/simd/neon.h"
#include "kernels/attention/ops.h"
#include "kernels/attention/pack_keys.h"
#include "kernels/gemm/transpose_neon.h"

namespace calque::kernels {

// 24 sums, 4 vectors of B and one of A: 29 of 32 registers.
constexpr AttentionKernels kAttentionNeon =
    AttentionOps<neon::F32, 6, 24, true>::kernels(pack_keys<NeonSquare>);

}  // namespace calque::kernels
