#include "kernels/simd/avx512.h"
#include "kernels/gemm/tile.h"
#include "kernels/gemm/transpose.h"
#include "kernels/gemm/transpose_x86.h"

namespace calque::kernels {

namespace {

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers, and 8 rows in one go.
using TileF32 = TileKernels<avx512::F32, 8, 3>;
using TileF64 = TileKernels<avx512::F64, 8, 3>;

}  // namespace

constexpr GemmKernels<float> kGemmF32Avx512{TileF32::kMr, TileF32::kNr, avx512::F32::kWidth, TileF32::run,
                                            pack_transposed_f32<X86Square>};
constexpr GemmKernels<double> kGemmF64Avx512{TileF64::kMr, TileF64::kNr, avx512::F64::kWidth, TileF64::run,
                                             pack_transposed_f64};

}  // namespace calque::kernels
