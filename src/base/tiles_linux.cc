#include <sys/syscall.h>
#include <unistd.h>

#include "base/tiles.h"

namespace calque {

bool request_tiles() {
  constexpr int kRequest = 0x1023;  // ARCH_REQ_XCOMP_PERM, which older headers lack
  constexpr int kTileData = 18;
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace calque
