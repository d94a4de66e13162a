#include "kernels/simd/avx2.h"
#include "kernels/pointwise/ops.h"

namespace calque::kernels {

constexpr PointwiseKernels kPointwiseAvx2 = PointwiseOps<avx2::F32>::kKernels;

}  // namespace calque::kernels
