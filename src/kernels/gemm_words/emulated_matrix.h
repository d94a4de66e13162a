// The kernels of AMX on emulated tiles, for tests.
#pragma once

#include <cstdint>

#include "kernels/gemm_words/word_kernels.h"

namespace calque::kernels {

/// The same text as kBf16Amx and kInt8Amx, with the vectors of AVX-512 around it, whose bfloat16 extension
/// the first takes; nullptr on other architectures. In emulated_matrix_x86.cc or emulated_matrix_generic.cc.
struct EmulatedMatrix {
  const WordKernels* bf16;
  const WordKernels* int8;
};
EmulatedMatrix emulated_matrix();

/// a * b + sum by AVX512_BF16, which has the arithmetic of the matrix engine: best_extensions().bf16 must
/// hold on x86; NaN elsewhere. a and b are bits of bfloat16.
float processor_fma(float sum, uint16_t a, uint16_t b);

}  // namespace calque::kernels
