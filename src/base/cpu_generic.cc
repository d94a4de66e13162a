#include <thread>

#include "base/cpu.h"

namespace calque {

Isa detect_isa() { return Isa::kScalar; }

Avx512Extensions detect_extensions() { return {}; }

void spin_pause() { std::this_thread::yield(); }

}  // namespace calque
