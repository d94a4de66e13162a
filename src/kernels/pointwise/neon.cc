#include "kernels/simd/neon.h"
#include "kernels/pointwise/ops.h"

namespace calque::kernels {

constexpr PointwiseKernels kPointwiseNeon = PointwiseOps<neon::F32>::kKernels;

}  // namespace calque::kernels
