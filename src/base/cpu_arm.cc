#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "base/cpu.h"

namespace calque {

// What the kernel grants: it hides what the processor has and the kernel cannot save.
bool detect_isa(Isa isa) {
  return isa == Isa::kScalar || (isa == Isa::kNeon && (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0);
}

DotExtensions detect_extensions() {
  if (!detect_isa(Isa::kNeon)) return {};
  return {.bf16 = (getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0,
          .bytes = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0};
}

void spin_pause() { asm volatile("yield"); }

}  // namespace calque
