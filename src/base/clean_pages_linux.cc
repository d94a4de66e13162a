#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/file.h"

namespace calque {

namespace {

// Source: Documentation/admin-guide/mm/pagemap.rst of Linux. A page of a private mapping is a page of the
// file until it is written to; then it is memory of the process, which may have been swapped out.
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kFilePage = uint64_t{1} << 61;
constexpr size_t kBatch = 512;
constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, which headers before Linux 5.14 lack

bool is_clean(uint64_t entry) { return (entry & kPresent) != 0 && (entry & kFilePage) != 0; }

/// Drops the runs of clean pages among `count` pages from `first` on. The pages go from this process only:
/// they stay in the system's cache of the file, so that they come again without a disk.
void drop_runs(char* first, const uint64_t* entries, size_t count, size_t page) noexcept {
  for (size_t i = 0; i < count;) {
    const size_t start = i;
    while (i < count && is_clean(entries[i])) ++i;
    if (i > start) madvise(first + start * page, (i - start) * page, MADV_DONTNEED);
    i = std::max(i, start + 1);
  }
}

}  // namespace

void drop_clean_pages(const void* data, size_t size) noexcept {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t skipped = (page - reinterpret_cast<uintptr_t>(data) % page) % page;
  if (size < skipped + page) return;
  auto* const first = const_cast<char*>(static_cast<const char*>(data)) + skipped;
  const size_t pages = (size - skipped) / page;
  const int map = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (map < 0) return;
  std::array<uint64_t, kBatch> entries;
  for (size_t done = 0; done < pages; done += kBatch) {
    const size_t count = std::min(kBatch, pages - done);
    const size_t bytes = count * sizeof(uint64_t);
    const auto offset = (reinterpret_cast<uintptr_t>(first) / page + done) * sizeof(uint64_t);
    if (::pread(map, entries.data(), bytes, static_cast<off_t>(offset)) != static_cast<ssize_t>(bytes)) break;
    drop_runs(first + done * page, entries.data(), count, page);
  }
  ::close(map);
}

void bring_pages(const void* data, size_t size) noexcept {
  if (size == 0) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t before = reinterpret_cast<uintptr_t>(data) % page;
  char* const first = const_cast<char*>(static_cast<const char*>(data)) - before;
  if (madvise(first, size + before, kPopulateRead) != 0) madvise(first, size + before, MADV_WILLNEED);
}

}  // namespace calque
