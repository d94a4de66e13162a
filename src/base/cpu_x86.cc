#include "base/cpu.h"

namespace calque {

// __builtin_cpu_supports also asks the operating system whether it saves the wide registers.
Isa detect_isa() {
  __builtin_cpu_init();
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (!avx2) return Isa::kScalar;
  const bool avx512 = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  return avx512 ? Isa::kAvx512 : Isa::kAvx2;
}

Avx512Extensions detect_extensions() {
  __builtin_cpu_init();
  return {.bf16 = __builtin_cpu_supports("avx512bf16") != 0,
          .vnni = __builtin_cpu_supports("avx512vnni") != 0};
}

void spin_pause() { __builtin_ia32_pause(); }

}  // namespace calque
