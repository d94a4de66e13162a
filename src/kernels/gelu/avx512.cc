#include "kernels/simd/avx512.h"
#include "kernels/gelu/ops.h"

namespace calque::kernels {

constexpr GeluKernels kGeluAvx512 = GeluOps<avx512::F32>::kKernels;

}  // namespace calque::kernels
