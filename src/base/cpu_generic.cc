#include <thread>

#include "base/cpu.h"

namespace calque {

Isa detect_isa() { return Isa::kScalar; }

void spin_pause() { std::this_thread::yield(); }

}  // namespace calque
