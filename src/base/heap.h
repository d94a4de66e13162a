// The heap of the C library.
#pragma once

namespace calque {

/// Gives pages that were freed back to the system, where the C library can do that.
void trim_heap() noexcept;

}  // namespace calque
