#include "kernels/simd/neon.h"
#include "kernels/softmax/ops.h"

namespace calque::kernels {

constexpr SoftmaxKernels kSoftmaxNeon = SoftmaxOps<neon::F32>::kKernels;

}  // namespace calque::kernels
