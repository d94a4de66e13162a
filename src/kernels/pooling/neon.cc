#include "kernels/simd/neon.h"
#include "kernels/pooling/ops.h"

namespace calque::kernels {

constexpr PoolingKernels kPoolingNeon = PoolingOps<neon::F32>::kernels();

}  // namespace calque::kernels
