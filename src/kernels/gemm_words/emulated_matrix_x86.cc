#include "kernels/gemm_words/avx512_matrix.h"
#include "kernels/gemm_words/emulated_matrix.h"
#include "kernels/gemm_words/tile_emulation.h"

namespace calque::kernels {

namespace {

struct Emulated {
  static void configure(const TileConfig& config) { tile_state().configure(config); }
  static void release() { tile_state().release(); }
  template <int kTile>
  static void zero() {
    tile_state().zero(kTile);
  }
  template <int kTile>
  static void load(const uint32_t* p, int64_t row_bytes) {
    tile_state().load(kTile, p, row_bytes);
  }
  template <int kTile>
  static void store(uint32_t* p, int64_t row_bytes) {
    tile_state().store(kTile, p, row_bytes);
  }
  template <int kSum, int kA, int kB>
  static void dot_bf16() {
    tile_state().dot_bf16(kSum, kA, kB);
  }
  template <int kSum, int kA, int kB>
  static void dot_bytes() {
    tile_state().dot_bytes(kSum, kA, kB);
  }
};

}  // namespace

EmulatedMatrix emulated_matrix() { return {&kMatrixBf16<Emulated>, &kMatrixInt8<Emulated>}; }

float processor_fma(float sum, uint16_t a, uint16_t b) {
  __m512 sums = _mm512_set1_ps(sum);
  // The other product of the pair is -0, which changes no sum.
  const __m512i as = _mm512_set1_epi32(static_cast<int32_t>(0x80000000 | a)), bs = _mm512_set1_epi32(b);
  asm("vdpbf16ps %2, %1, %0" : "+v"(sums) : "v"(as), "v"(bs));
  return _mm512_cvtss_f32(sums);
}

}  // namespace calque::kernels
