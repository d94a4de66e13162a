#include "base/heap.h"

namespace calque {

void trim_heap() noexcept {}

}  // namespace calque
