#include <malloc.h>

#include "base/heap.h"

namespace calque {

void trim_heap() noexcept { malloc_trim(0); }

}  // namespace calque
