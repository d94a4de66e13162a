#include "kernels/registry_scalar.h"

namespace calque::kernels {

namespace {

constexpr KernelSet kAvx2Set{&kGemmF32Avx2,   &kGemmF64Avx2,     &kGemmInt8Avx2,   &kConvertAvx2,
                             &kPointwiseAvx2, &kGeluAvx2,        &kSoftmaxAvx2,    &kLayerNormAvx2,
                             &kAttentionAvx2, &kAttentionAvx2,   &kPoolingAvx2,    &kBf16Avx2,
                             &kInt8Avx2,      &kWeightsInt8Avx2, &kWeightsInt4Avx2};

constexpr KernelSet avx512_set(bool bf16, bool bytes) {
  return {&kGemmF32Avx512,
          &kGemmF64Avx512,
          &kGemmInt8Avx512,
          &kConvertAvx512,
          &kPointwiseAvx512,
          &kGeluAvx512,
          &kSoftmaxAvx512,
          &kLayerNormAvx512,
          &kAttentionAvx512,
          bf16 ? &kAttentionAvx512Bf16 : &kAttentionAvx512,
          &kPoolingAvx512,
          bf16 ? &kBf16Avx512Bf16 : &kBf16Avx512,
          bytes ? &kInt8Avx512Vnni : &kInt8Avx512,
          &kWeightsInt8Avx512,
          &kWeightsInt4Avx512};
}

// By bf16 and bytes.
constexpr KernelSet kAvx512Sets[2][2] = {{avx512_set(false, false), avx512_set(false, true)},
                                         {avx512_set(true, false), avx512_set(true, true)}};

// The matrix engine multiplies; the rest is AVX-512, whose packed matrices it reads.
constexpr KernelSet amx_set(bool bf16) {
  KernelSet set = avx512_set(bf16, true);
  set.bf16 = &kBf16Amx;
  set.int8 = &kInt8Amx;
  return set;
}

constexpr KernelSet kAmxSets[2] = {amx_set(false), amx_set(true)};

const KernelSet& avx512_kernels() {
  const DotExtensions extensions = active_extensions();
  return kAvx512Sets[extensions.bf16 ? 1 : 0][extensions.bytes ? 1 : 0];
}

}  // namespace

const KernelSet& platform_kernel_set(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return kAvx2Set;
    case Isa::kAvx512:
      return avx512_kernels();
    case Isa::kAmx:
      return kAmxSets[active_extensions().bf16 ? 1 : 0];
    case Isa::kScalar:
    case Isa::kNeon:
      break;
  }
  return kScalarSet;
}

}  // namespace calque::kernels
