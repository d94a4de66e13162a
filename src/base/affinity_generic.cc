#include "base/affinity.h"

namespace calque {

std::vector<int> allowed_cpus() { return {}; }

bool bind_thread(int) noexcept { return false; }

}  // namespace calque
