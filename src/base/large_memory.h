// Memory for what is large and stays, such as packed weights.
#pragma once

#include <cstddef>
#include <memory>

namespace calque {

/// From so many bytes on, memory from here beats the heap's.
inline constexpr size_t kLargeMemory = size_t{1} << 18;

/// `size` uninitialised bytes at a multiple of 64, on pages as large as the system has: pages of 4 KiB make a
/// loop that reads weights once wait for the place of each. What is given back stays
/// address space until its neighbours are, so this is for what lives as long as a model does. From any
/// thread. Throws std::bad_alloc.
std::shared_ptr<void> take_large_memory(size_t size);

}  // namespace calque
