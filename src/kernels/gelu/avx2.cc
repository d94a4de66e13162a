#include "kernels/simd/avx2.h"
#include "kernels/gelu/ops.h"

namespace calque::kernels {

constexpr GeluKernels kGeluAvx2 = GeluOps<avx2::F32>::kKernels;

}  // namespace calque::kernels
