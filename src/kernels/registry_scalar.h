// The row of tables that every platform has.
#pragma once

#include "kernels/registry.h"

namespace calque::kernels {

inline constexpr KernelSet kScalarSet{
    &kGemmF32Scalar, &kGemmF64Scalar, &kGemmInt8Scalar,  &kConvertScalar,     &kPointwiseScalar,
    &kGeluScalar,    &kSoftmaxScalar, &kLayerNormScalar, &kAttentionScalar,   &kAttentionScalar,
    &kPoolingScalar, &kBf16Scalar,    &kInt8Scalar,      &kWeightsInt8Scalar, &kWeightsInt4Scalar};

}  // namespace calque::kernels
