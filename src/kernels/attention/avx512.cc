#include "kernels/simd/avx512.h"
#include "kernels/attention/ops.h"
#include "kernels/attention/pack_keys.h"
#include "kernels/gemm/transpose_x86.h"

namespace calque::kernels {

// 24 sums, 2 vectors of B and one of A: 27 of 32 registers.
constexpr AttentionKernels kAttentionAvx512 =
    AttentionOps<avx512::F32, 12, 24, true>::kernels(pack_keys<X86Square>);

}  // namespace calque::kernels
