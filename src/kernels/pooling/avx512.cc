#include "kernels/simd/avx512.h"
#include "kernels/pooling/ops.h"

namespace calque::kernels {

constexpr PoolingKernels kPoolingAvx512 = PoolingOps<avx512::F32>::kernels();

}  // namespace calque::kernels
