#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

#include "base/large_memory.h"

namespace calque {

namespace {

// Source: Documentation/admin-guide/mm/transhuge.rst of Linux; 2 MiB on x86-64 and on aarch64 with pages of
// 4 KiB. Where large pages are others, the advice does nothing.
constexpr size_t kLargePage = size_t{1} << 21;
constexpr size_t kSlab = size_t{32} << 20;
constexpr size_t kAlignment = 64;

size_t round_up(size_t size, size_t step) { return (size + step - 1) / step * step; }

/// One mapping, of which pieces are taken one after another. What is never touched takes no memory.
class Slab {
 public:
  explicit Slab(size_t size) : size_(size) {
    void* const all =
        mmap(nullptr, size + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::bad_alloc();
    const size_t before =
        round_up(reinterpret_cast<uintptr_t>(all), kLargePage) - reinterpret_cast<uintptr_t>(all);
    data_ = static_cast<char*>(all) + before;
    if (before > 0) munmap(all, before);
    munmap(data_ + size, kLargePage - before);
    madvise(data_, size, MADV_HUGEPAGE);  // advice: without large pages it works as well
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() { munmap(data_, size_); }

  size_t rest() const { return size_ - used_; }
  char* take(size_t size) { return data_ + std::exchange(used_, used_ + size); }

 private:
  char* data_;
  size_t size_;
  size_t used_ = 0;
};

/// The pages that nothing but this piece lies on go back to the system, also while neighbours keep the slab.
void give_back(char* data, size_t size) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t skipped =
      round_up(reinterpret_cast<uintptr_t>(data), page) - reinterpret_cast<uintptr_t>(data);
  if (size < skipped + page) return;
  madvise(data + skipped, (size - skipped) / page * page, MADV_DONTNEED);
}

}  // namespace

std::shared_ptr<void> take_large_memory(size_t size) {
  if (size > SIZE_MAX / 2) throw std::bad_alloc();
  static std::mutex mutex;
  static std::weak_ptr<Slab> current;
  const size_t rounded = round_up(std::max<size_t>(size, 1), kAlignment);
  const std::lock_guard lock(mutex);
  std::shared_ptr<Slab> slab = current.lock();
  if (slab == nullptr || slab->rest() < rounded) {
    const size_t rest = slab == nullptr ? 0 : slab->rest();
    slab = std::make_shared<Slab>(std::max(kSlab, round_up(rounded, kLargePage)));
    if (slab->rest() - rounded >= rest) current = slab;
  }
  char* const data = slab->take(rounded);
  return {data, [slab, rounded](void* piece) { give_back(static_cast<char*>(piece), rounded); }};
}

}  // namespace calque
