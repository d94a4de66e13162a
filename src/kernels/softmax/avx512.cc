#include "kernels/simd/avx512.h"
#include "kernels/softmax/ops.h"

namespace calque::kernels {

constexpr SoftmaxKernels kSoftmaxAvx512 = SoftmaxOps<avx512::F32>::kKernels;

}  // namespace calque::kernels
