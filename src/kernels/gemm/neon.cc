#include "kernels/simd/neon.h"
#include "kernels/gemm/tile.h"
#include "kernels/gemm/transpose.h"
#include "kernels/gemm/transpose_neon.h"

namespace calque::kernels {

namespace {

// 24 sums, 3 vectors of B and one of A: 28 of 32 registers.
using TileF32 = TileKernels<neon::F32, 8, 3>;
using TileF64 = TileKernels<neon::F64, 8, 3>;

}  // namespace

constexpr GemmKernels<float> kGemmF32Neon{TileF32::kMr, TileF32::kNr, neon::F32::kWidth, TileF32::run,
                                          pack_transposed_f32<NeonSquare>};
constexpr GemmKernels<double> kGemmF64Neon{TileF64::kMr, TileF64::kNr, neon::F64::kWidth, TileF64::run,
                                           pack_transposed_f64};

}  // namespace calque::kernels
