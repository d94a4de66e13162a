// Processors that a thread may run on.
#pragma once

#include <vector>

namespace calque {

/// Those of the calling thread; empty where the system does not tell. In affinity_linux.cc or
/// affinity_generic.cc.
std::vector<int> allowed_cpus();

/// Binds the calling thread; false when the system refuses.
bool bind_thread(int cpu) noexcept;

}  // namespace calque
