// Matrix products. Contract of all kernels: nothing is checked here; the caller has checked sizes, strides
// and pointers, and outputs overlap no input unless the function says so.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// C[m, n] = alpha * A[m, k] B[k, n] + beta * C + bias.
///
/// A and B have any strides, in elements and of either sign or zero, so that transposed, sliced and broadcast
/// views need no copy; rows of C are contiguous. `bias` has n elements and is added to each row. beta == 0
/// does not read C; k == 0 gives beta * C + bias; m == 0 or n == 0 does nothing. NaN and infinity propagate
/// as the arithmetic says, also through alpha == 0. In 16-bit types the sums are float32 and the result is
/// rounded once.
///
/// Each element is summed over k in blocks of kGemmDepth, in order, whatever m, n, the batch, the strides and
/// the number of threads are: a row of the result does not depend on the rows beside it.
template <class T, class Scalar = T>
struct BasicGemmArgs {
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  const T* a = nullptr;
  int64_t a_row = 0;
  int64_t a_col = 1;
  const T* b = nullptr;
  int64_t b_row = 0;
  int64_t b_col = 1;
  T* c = nullptr;
  int64_t c_row = 0;
  Scalar alpha = 1;
  Scalar beta = 0;
  const T* bias = nullptr;
};
using GemmArgs = BasicGemmArgs<float>;
using GemmArgsF64 = BasicGemmArgs<double>;
using GemmArgs16 = BasicGemmArgs<uint16_t, float>;  // bit patterns of bfloat16 or float16

/// Two dimensions of independent products, for example batch and heads; element strides from one to the next,
/// 0 to use the same matrix again (not for C).
struct GemmBatch {
  int64_t outer = 1;
  int64_t inner = 1;
  int64_t a_outer = 0;
  int64_t a_inner = 0;
  int64_t b_outer = 0;
  int64_t b_inner = 0;
  int64_t c_outer = 0;
  int64_t c_inner = 0;
};

inline constexpr int64_t kGemmDepth = 384;

void gemm(const GemmArgs& args);
void gemm(const GemmArgsF64& args);
void gemm_bf16(const GemmArgs16& args);
void gemm_f16(const GemmArgs16& args);

/// The same for outer x inner products, parallel over all of them; the pointers of `args` are those of the
/// first.
void gemm_batched(const GemmArgs& args, const GemmBatch& batch);
void gemm_batched(const GemmArgsF64& args, const GemmBatch& batch);
void gemm_batched_bf16(const GemmArgs16& args, const GemmBatch& batch);
void gemm_batched_f16(const GemmArgs16& args, const GemmBatch& batch);

}  // namespace calque::kernels
