#include "kernels/simd/avx512.h"
#include "kernels/layer_norm/ops.h"

namespace calque::kernels {

constexpr LayerNormKernels kLayerNormAvx512 = LayerNormOps<avx512::F32>::kKernels;

}  // namespace calque::kernels
