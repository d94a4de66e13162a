#include "kernels/pooling/ops.h"
#include "kernels/simd/portable.h"

namespace calque::kernels {

constexpr PoolingKernels kPoolingScalar = PoolingOps<portable::F32>::kernels();

}  // namespace calque::kernels
