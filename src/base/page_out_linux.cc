#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "base/file.h"

namespace calque {

void page_out(const void* data, size_t size) noexcept {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(data) + size) / page * page;
  // Older systems refuse the advice, and then the pages stay until memory is short.
  if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_PAGEOUT);
}

}  // namespace calque
