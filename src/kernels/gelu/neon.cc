#include "kernels/simd/neon.h"
#include "kernels/gelu/ops.h"

namespace calque::kernels {

constexpr GeluKernels kGeluNeon = GeluOps<neon::F32>::kKernels;

}  // namespace calque::kernels
