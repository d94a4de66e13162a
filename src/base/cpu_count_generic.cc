#include <thread>

#include "base/cpu_count.h"

namespace calque {

int detect_cpus() { return static_cast<int>(std::thread::hardware_concurrency()); }

}  // namespace calque
