#include "kernels/simd/avx2.h"
#include "kernels/softmax/ops.h"

namespace calque::kernels {

constexpr SoftmaxKernels kSoftmaxAvx2 = SoftmaxOps<avx2::F32>::kKernels;

}  // namespace calque::kernels
