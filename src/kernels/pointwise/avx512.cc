#include "kernels/simd/avx512.h"
#include "kernels/pointwise/ops.h"

namespace calque::kernels {

constexpr PointwiseKernels kPointwiseAvx512 = PointwiseOps<avx512::F32>::kKernels;

}  // namespace calque::kernels
