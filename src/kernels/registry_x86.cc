#include "kernels/registry.h"

namespace calque::kernels {

namespace {

// In the order of Isa.
constexpr KernelSet kSets[kIsaCount] = {
    {&kGemmF32Scalar, &kGemmF64Scalar, &kGemmInt8Scalar, &kConvertScalar, &kPointwiseScalar, &kGeluScalar,
     &kSoftmaxScalar, &kLayerNormScalar, &kAttentionScalar, &kPoolingScalar},
    {&kGemmF32Avx2, &kGemmF64Avx2, &kGemmInt8Avx2, &kConvertAvx2, &kPointwiseAvx2, &kGeluAvx2, &kSoftmaxAvx2,
     &kLayerNormAvx2, &kAttentionAvx2, &kPoolingAvx2},
    {&kGemmF32Avx512, &kGemmF64Avx512, &kGemmInt8Avx512, &kConvertAvx512, &kPointwiseAvx512, &kGeluAvx512,
     &kSoftmaxAvx512, &kLayerNormAvx512, &kAttentionAvx512, &kPoolingAvx512},
};

}  // namespace

const KernelSet& kernel_set(Isa isa) { return kSets[static_cast<int>(isa)]; }

}  // namespace calque::kernels
