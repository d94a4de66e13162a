#include "kernels/simd/avx2.h"
#include "kernels/attention/ops.h"
#include "kernels/attention/pack_keys.h"
#include "kernels/gemm/transpose_x86.h"

namespace calque::kernels {

// 12 sums, 2 vectors of B and one of A: 15 of 16 registers.
constexpr AttentionKernels kAttentionAvx2 =
    AttentionOps<avx2::F32, 6, 12, true>::kernels(pack_keys<X86Square>);

}  // namespace calque::kernels
