#include "base/cpu.h"

namespace calque {

// __builtin_cpu_supports also asks the operating system whether it saves the wide registers.
bool detect_isa(Isa isa) {
  __builtin_cpu_init();
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512:
      return avx2 && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    case Isa::kNeon:
      return false;
  }
  return false;
}

DotExtensions detect_extensions() {
  if (!detect_isa(Isa::kAvx512)) return {};
  return {.bf16 = __builtin_cpu_supports("avx512bf16") != 0,
          .bytes = __builtin_cpu_supports("avx512vnni") != 0};
}

void spin_pause() { __builtin_ia32_pause(); }

}  // namespace calque
