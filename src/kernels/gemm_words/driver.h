// The loops around the kernels of words: packing A, blocks, threads, epilogue.
#pragma once

#include <cstdint>

#include "kernels/gemm/packed.h"
#include "kernels/gemm_words/epilogue.h"
#include "kernels/gemm_words/word_kernels.h"
#include "kernels/registry.h"

namespace calque::kernels {

/// A product with a matrix B[k, n] that was packed into panels of words; the pointers are those of WordTile.
struct WordProblem {
  const KernelSet* set;
  const WordKernels* kernels;
  int64_t k;
  int64_t n;
  int64_t words;    // of a row of A
  int64_t b_words;  // of a column of B
  const uint32_t* b;
  const float* factors;  // of pack_row
  const float* col_scales;
  const int32_t* col_sums;
  GeluForm gelu;
};

/// As gemm_packed(); alpha must be 1 and beta 0.
void run_word_gemm(const GemmPackedArgs& args, const WordProblem& problem);

}  // namespace calque::kernels
