// The loops around the kernels: blocks, packing, threads. The same for every type and instruction set.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_kernels.h"
#include "kernels/gemm/packed.h"
#include "kernels/registry.h"

namespace calque::kernels {

/// How A, B, C and bias are stored: as the type that is computed in, or in 16 bits.
enum class Storage { kNative, kBf16, kF16 };

template <class T>
struct GemmProblem {
  const KernelSet* set;
  const GemmKernels<T>* kernels;
  Storage storage;
  int64_t m;
  int64_t n;
  int64_t k;
  const void* a;
  int64_t a_row;
  int64_t a_col;
  const void* b;
  int64_t b_row;
  int64_t b_col;
  const T* packed_b;  // instead of b, or nullptr
  void* c;
  int64_t c_row;
  T alpha;
  T beta;
  const void* bias;
  GemmBatch batch;
  Activation activation;
  const T* residual;
  int64_t residual_row;
};

void run_gemm(const GemmProblem<float>& problem);
void run_gemm(const GemmProblem<double>& problem);

}  // namespace calque::kernels
