#include <immintrin.h>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_int8/ops.h"

namespace calque::kernels {

namespace {

struct Avx512Sums {
  static constexpr int kColumns = kInt8Columns;
  struct Block {
    explicit Block(const int8_t* b)
        : pairs(_mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)))) {}
    __m512i pairs;
  };

  void add(int32_t pair, const Block& block) {
    sums = _mm512_add_epi32(sums, _mm512_madd_epi16(_mm512_set1_epi32(pair), block.pairs));
  }
  void store(int32_t* out) const { _mm512_storeu_si512(out, sums); }

  __m512i sums = _mm512_setzero_si512();
};

}  // namespace

constexpr GemmInt8Kernels kGemmInt8Avx512 = GemmInt8Ops<Avx512Sums>::kKernels;

}  // namespace calque::kernels
