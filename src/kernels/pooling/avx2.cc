#include "kernels/simd/avx2.h"
#include "kernels/pooling/ops.h"

namespace calque::kernels {

constexpr PoolingKernels kPoolingAvx2 = PoolingOps<avx2::F32>::kernels();

}  // namespace calque::kernels
