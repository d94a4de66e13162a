// One row of tables per instruction set: adding a kernel is one file and one entry here.
#pragma once

#include "base/cpu.h"
#include "kernels/attention/attention_kernels.h"
#include "kernels/convert/convert_kernels.h"
#include "kernels/gelu/gelu_kernels.h"
#include "kernels/gemm/gemm_kernels.h"
#include "kernels/gemm_int8/gemm_int8_kernels.h"
#include "kernels/gemm_words/word_kernels.h"
#include "kernels/layer_norm/layer_norm_kernels.h"
#include "kernels/pointwise/pointwise_kernels.h"
#include "kernels/pooling/pooling_kernels.h"
#include "kernels/softmax/softmax_kernels.h"

namespace calque::kernels {

struct KernelSet {
  const GemmKernels<float>* gemm_f32;
  const GemmKernels<double>* gemm_f64;
  const GemmInt8Kernels* gemm_int8;
  const ConvertKernels* convert;
  const PointwiseKernels* pointwise;
  const GeluKernels* gelu;
  const SoftmaxKernels* softmax;
  const LayerNormKernels* layer_norm;
  const AttentionKernels* attention;
  const AttentionKernels* attention_bf16;
  const PoolingKernels* pooling;
  const WordKernels* bf16;
  const WordKernels* int8;
  const WordKernels* weights_int8;
  const WordKernels* weights_int4;
};

/// The kernels of `isa`, of which has_isa() must hold, with what active_extensions() adds to them.
const KernelSet& kernel_set(Isa isa);

/// Makes kernel_set(isa) give `set` in the whole process, or again its own when nullptr: for tests of kernels
/// in emulation, which read matrices that are packed for `isa`.
void set_stand_in(Isa isa, const KernelSet* set);

/// What kernel_set() gives without a stand-in. In registry_x86.cc, registry_arm.cc or registry_generic.cc.
const KernelSet& platform_kernel_set(Isa isa);

inline const KernelSet& active_kernels() { return kernel_set(active_isa()); }

}  // namespace calque::kernels
