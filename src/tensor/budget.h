// A limit on the tensor memory that one run may hold at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace calque {

/// Shared by the run and by the storages that it allocates: a storage gives its bytes back when it dies.
struct MemoryBudget {
  explicit MemoryBudget(int64_t limit_bytes) : limit(limit_bytes) {}
  std::atomic<int64_t> used{0};
  int64_t limit;
};

/// Makes `budget` the one that Storage::allocate charges on this thread, until the end of the scope.
class ScopedMemoryBudget {
 public:
  explicit ScopedMemoryBudget(std::shared_ptr<MemoryBudget> budget);
  ~ScopedMemoryBudget();
  ScopedMemoryBudget(const ScopedMemoryBudget&) = delete;
  ScopedMemoryBudget& operator=(const ScopedMemoryBudget&) = delete;

 private:
  std::shared_ptr<MemoryBudget> previous_;
};

/// The budget of this thread; null when none is set.
const std::shared_ptr<MemoryBudget>& current_memory_budget();

}  // namespace calque
