#include <immintrin.h>

#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_int8/ops.h"

namespace calque::kernels {

namespace {

struct Avx2Sums {
  static constexpr int kColumns = kInt8Columns;
  struct Block {
    explicit Block(const int8_t* b)
        : left(_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)))),
          right(_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + 16)))) {}
    __m256i left, right;
  };

  void add(int32_t pair, const Block& block) {
    const __m256i both = _mm256_set1_epi32(pair);
    left = _mm256_add_epi32(left, _mm256_madd_epi16(both, block.left));
    right = _mm256_add_epi32(right, _mm256_madd_epi16(both, block.right));
  }
  void store(int32_t* out) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), left);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8), right);
  }

  __m256i left = _mm256_setzero_si256();
  __m256i right = _mm256_setzero_si256();
};

}  // namespace

constexpr GemmInt8Kernels kGemmInt8Avx2 = GemmInt8Ops<Avx2Sums>::kKernels;

}  // namespace calque::kernels
