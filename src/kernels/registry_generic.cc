#include "kernels/registry.h"

namespace calque::kernels {

namespace {

constexpr KernelSet kScalarSet{&kGemmF32Scalar,   &kGemmF64Scalar,     &kGemmInt8Scalar,   &kConvertScalar,
                               &kPointwiseScalar, &kGeluScalar,        &kSoftmaxScalar,    &kLayerNormScalar,
                               &kAttentionScalar, &kAttentionScalar,   &kPoolingScalar,    &kBf16Scalar,
                               &kInt8Scalar,      &kWeightsInt8Scalar, &kWeightsInt4Scalar};

}  // namespace

const KernelSet& kernel_set(Isa) { return kScalarSet; }

}  // namespace calque::kernels
