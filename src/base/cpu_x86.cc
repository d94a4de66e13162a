#include <cpuid.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/tiles.h"

namespace calque {

namespace {

uint64_t enabled_states() {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_OSXSAVE) == 0) return 0;
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

TileFacts read_tile_facts() {
  TileFacts facts;
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) facts.features = edx;
  if (__get_cpuid_count(0x1D, 1, &eax, &ebx, &ecx, &edx) != 0) {
    facts.palette_bytes = eax & 0xFFFF;
    facts.tile_bytes = eax >> 16;
    facts.row_bytes = ebx & 0xFFFF;
    facts.tiles = ebx >> 16;
    facts.rows = ecx & 0xFFFF;
  }
  facts.enabled_states = enabled_states();
  return facts;
}

bool detect_tiles() {
  if (!tiles_usable(read_tile_facts())) return false;
  const bool granted = request_tiles();
  if (!granted)
    log_line("dispatch", "amx: the operating system does not let this process use tile registers");
  return granted;
}

}  // namespace

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
    case Isa::kAmx:
      return detect_isa(Isa::kAvx512) && __builtin_cpu_supports("avx512bf16") &&
             __builtin_cpu_supports("avx512vnni") && detect_tiles();
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
