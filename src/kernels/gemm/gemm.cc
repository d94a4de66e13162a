#include "kernels/gemm/gemm.h"

#include "base/threads.h"
#include "kernels/gemm/driver.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm/packed.h"

namespace calque::kernels {

namespace {

template <class T>
const GemmKernels<T>* kernels_of(const KernelSet& set);
template <>
const GemmKernels<float>* kernels_of(const KernelSet& set) {
  return set.gemm_f32;
}
template <>
const GemmKernels<double>* kernels_of(const KernelSet& set) {
  return set.gemm_f64;
}

template <class T, class Element>
void run(const BasicGemmArgs<Element, T>& args, const GemmBatch& batch, Storage storage) {
  const KernelSet& set = active_kernels();
  GemmProblem<T> problem{};
  problem.set = &set;
  problem.kernels = kernels_of<T>(set);
  problem.storage = storage;
  problem.m = args.m;
  problem.n = args.n;
  problem.k = args.k;
  problem.a = args.a;
  problem.a_row = args.a_row;
  problem.a_col = args.a_col;
  problem.b = args.b;
  problem.b_row = args.b_row;
  problem.b_col = args.b_col;
  problem.c = args.c;
  problem.c_row = args.c_row;
  problem.alpha = args.alpha;
  problem.beta = args.beta;
  problem.bias = args.bias;
  problem.batch = batch;
  run_gemm(problem);
}

}  // namespace

void gemm(const GemmArgs& args) { run<float>(args, {}, Storage::kNative); }
void gemm(const GemmArgsF64& args) { run<double>(args, {}, Storage::kNative); }
void gemm_bf16(const GemmArgs16& args) { run<float>(args, {}, Storage::kBf16); }
void gemm_f16(const GemmArgs16& args) { run<float>(args, {}, Storage::kF16); }

void gemm_batched(const GemmArgs& args, const GemmBatch& batch) { run<float>(args, batch, Storage::kNative); }
void gemm_batched(const GemmArgsF64& args, const GemmBatch& batch) {
  run<double>(args, batch, Storage::kNative);
}
void gemm_batched_bf16(const GemmArgs16& args, const GemmBatch& batch) {
  run<float>(args, batch, Storage::kBf16);
}
void gemm_batched_f16(const GemmArgs16& args, const GemmBatch& batch) {
  run<float>(args, batch, Storage::kF16);
}

}  // namespace calque::kernels
