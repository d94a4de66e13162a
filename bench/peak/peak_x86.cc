#include <immintrin.h>

#include "base/cpu.h"
#include "peak.h"

namespace calque::bench {

namespace {

constexpr int kChains = 12;
constexpr int kSteps = 20000;

// Assembly, because a compiler would fold the loop or spill the sums.
#define CALQUE_CHAINS(op, constraint)                                                                 \
  asm volatile(op " %12, %12, %0\n" op " %12, %12, %1\n" op " %12, %12, %2\n" op " %12, %12, %3\n" op \
                  " %12, %12, %4\n" op " %12, %12, %5\n" op " %12, %12, %6\n" op " %12, %12, %7\n" op \
                  " %12, %12, %8\n" op " %12, %12, %9\n" op " %12, %12, %10\n" op " %12, %12, %11\n"  \
               : "+" constraint(s0), "+" constraint(s1), "+" constraint(s2), "+" constraint(s3),      \
                 "+" constraint(s4), "+" constraint(s5), "+" constraint(s6), "+" constraint(s7),      \
                 "+" constraint(s8), "+" constraint(s9), "+" constraint(s10), "+" constraint(s11)     \
               : constraint(x))

[[gnu::target("avx512f")]] double run_avx512(Arithmetic arithmetic) {
  const __m512 x = _mm512_set1_ps(0.999F);
  __m512 s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x, s10 = x, s11 = x;
  const double words = 2.0 * 16 * kChains * kSteps;
  if (arithmetic == Arithmetic::kBf16 && best_extensions().bf16) {
    for (int step = 0; step < kSteps; ++step) CALQUE_CHAINS("vdpbf16ps", "v");
    return 2 * words;
  }
  if (arithmetic == Arithmetic::kInt8 && best_extensions().bytes) {
    for (int step = 0; step < kSteps; ++step) CALQUE_CHAINS("vpdpbusd", "v");
    return 4 * words;
  }
  for (int step = 0; step < kSteps; ++step) CALQUE_CHAINS("vfmadd213ps", "v");
  return words;
}

[[gnu::target("avx2,fma")]] double run_avx2() {
  const __m256 x = _mm256_set1_ps(0.999F);
  __m256 s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x, s10 = x, s11 = x;
  for (int step = 0; step < kSteps; ++step) CALQUE_CHAINS("vfmadd213ps", "x");
  return 2.0 * 8 * kChains * kSteps;
}

#undef CALQUE_CHAINS

double run_sse() {
  using Vector [[gnu::vector_size(16)]] = float;
  const Vector x = Vector{} + 0.5F;
  Vector s[8] = {x, x, x, x, x, x, x, x};
  for (int step = 0; step < kSteps; ++step) {
    for (Vector& sum : s) sum = sum * x + x;
    asm volatile(""
                 : "+x"(s[0]), "+x"(s[1]), "+x"(s[2]), "+x"(s[3]), "+x"(s[4]), "+x"(s[5]), "+x"(s[6]),
                   "+x"(s[7]));
  }
  return 2.0 * 4 * 8 * kSteps;
}

}  // namespace

double run_chains(Arithmetic arithmetic) {
  switch (best_isa()) {
    case Isa::kAmx:  // whose tiles no loop here measures: shares are of AVX-512
    case Isa::kAvx512:
      return run_avx512(arithmetic);
    case Isa::kAvx2:
      return run_avx2();
    case Isa::kScalar:
    case Isa::kNeon:
      return run_sse();
  }
  return 0;
}

}  // namespace calque::bench
