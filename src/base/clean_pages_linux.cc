#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "base/file.h"

namespace calque {

void page_out(const void* data, size_t size) noexcept {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t skipped = (page - reinterpret_cast<uintptr_t>(data) % page) % page;
  if (size < skipped + page) return;
  auto* const first = const_cast<char*>(static_cast<const char*>(data)) + skipped;
  // Older systems refuse the advice, and then the pages stay until memory is short.
  madvise(first, (size - skipped) / page * page, MADV_PAGEOUT);
}

}  // namespace calque
