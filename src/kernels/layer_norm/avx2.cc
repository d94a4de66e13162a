#include "kernels/simd/avx2.h"
#include "kernels/layer_norm/ops.h"

namespace calque::kernels {

constexpr LayerNormKernels kLayerNormAvx2 = LayerNormOps<avx2::F32>::kKernels;

}  // namespace calque::kernels
