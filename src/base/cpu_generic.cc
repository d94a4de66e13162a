#include <thread>

#include "base/cpu.h"

namespace calque {

bool detect_isa(Isa isa) { return isa == Isa::kScalar; }

DotExtensions detect_extensions() { return {}; }

void spin_pause() { std::this_thread::yield(); }

}  // namespace calque
