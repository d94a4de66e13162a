#include "kernels/simd/avx2.h"
#include "kernels/gemm/tile.h"
#include "kernels/gemm/transpose.h"
#include "kernels/gemm/transpose_x86.h"

namespace calque::kernels {

namespace {

// 12 sums, 3 vectors of B and one of A: all 16 registers.
using TileF32 = TileKernels<avx2::F32, 4, 3>;
using TileF64 = TileKernels<avx2::F64, 4, 3>;

}  // namespace

constexpr GemmKernels<float> kGemmF32Avx2{TileF32::kMr, TileF32::kNr, avx2::F32::kWidth, TileF32::run,
                                          pack_transposed_f32<X86Square>};
constexpr GemmKernels<double> kGemmF64Avx2{TileF64::kMr, TileF64::kNr, avx2::F64::kWidth, TileF64::run,
                                           pack_transposed_f64};

}  // namespace calque::kernels
