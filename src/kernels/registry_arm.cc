#include "kernels/registry_scalar.h"

namespace calque::kernels {

namespace {

constexpr KernelSet neon_set(bool bf16, bool bytes) {
  return {&kGemmF32Neon,
          &kGemmF64Neon,
          &kGemmInt8Neon,
          &kConvertNeon,
          &kPointwiseNeon,
          &kGeluNeon,
          &kSoftmaxNeon,
          &kLayerNormNeon,
          &kAttentionNeon,
          bf16 ? &kAttentionNeonBf16 : &kAttentionNeon,
          &kPoolingNeon,
          bf16 ? &kBf16NeonBf16 : &kBf16Neon,
          bytes ? &kInt8NeonDot : &kInt8Neon,
          &kWeightsInt8Neon,
          &kWeightsInt4Neon};
}

// By bf16 and bytes.
constexpr KernelSet kNeonSets[2][2] = {{neon_set(false, false), neon_set(false, true)},
                                       {neon_set(true, false), neon_set(true, true)}};

}  // namespace

const KernelSet& platform_kernel_set(Isa isa) {
  if (isa != Isa::kNeon) return kScalarSet;
  const DotExtensions extensions = active_extensions();
  return kNeonSets[extensions.bf16 ? 1 : 0][extensions.bytes ? 1 : 0];
}

}  // namespace calque::kernels
