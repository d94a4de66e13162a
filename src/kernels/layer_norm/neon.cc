#include "kernels/simd/neon.h"
#include "kernels/layer_norm/ops.h"

namespace calque::kernels {

constexpr LayerNormKernels kLayerNormNeon = LayerNormOps<neon::F32>::kKernels;

}  // namespace calque::kernels
