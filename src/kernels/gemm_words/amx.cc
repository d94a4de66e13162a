#include "kernels/gemm_words/avx512_matrix.h"

#define CALQUE_SIMD [[gnu::always_inline]] static inline

namespace calque::kernels {

namespace {

// The instructions. Assembly, because the intrinsics of g++ 12 take tiles as literals only, not as constants
// of a template, and do not say that a load reads memory: stores before it may be moved behind it.
struct Amx {
  CALQUE_SIMD void configure(const TileConfig& config) { asm volatile("ldtilecfg %0" ::"m"(config)); }
  CALQUE_SIMD void release() { asm volatile("tilerelease"); }

  template <int kTile>
  CALQUE_SIMD void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  template <int kTile>
  CALQUE_SIMD void load(const uint32_t* p, int64_t row_bytes) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(row_bytes), "i"(kTile) : "memory");
  }
  template <int kTile>
  CALQUE_SIMD void store(uint32_t* p, int64_t row_bytes) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(row_bytes), "i"(kTile) : "memory");
  }
  template <int kSum, int kA, int kB>
  CALQUE_SIMD void dot_bf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
  }
  /// Unsigned bytes of A, signed ones of B.
  template <int kSum, int kA, int kB>
  CALQUE_SIMD void dot_bytes() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
  }
};

}  // namespace

constexpr WordKernels kBf16Amx = kMatrixBf16<Amx>;
constexpr WordKernels kInt8Amx = kMatrixInt8<Amx>;

}  // namespace calque::kernels

#undef CALQUE_SIMD
