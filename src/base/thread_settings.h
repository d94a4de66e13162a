// CALQUE_AFFINITY and CALQUE_SPIN.
#pragma once

#include "base/threads.h"

namespace calque {

/// Values that make no sense are logged and ignored.
void apply_thread_environment(ThreadPool& pool);

}  // namespace calque
