#include "ops/limits.h"

#include "base/text.h"
#include "calque/error.h"
#include "tensor/budget.h"

namespace calque::ops {

void check_growth(int64_t count, int64_t bytes) {
  constexpr int64_t kUnlimited = int64_t{8} << 30;
  const auto& budget = current_memory_budget();
  const int64_t room = budget ? budget->limit - budget->used.load(std::memory_order_relaxed) : kUnlimited;
  if (count <= 0 || count <= room / bytes) return;
  throw LimitError(
      cat("a list or string of ", count, " elements does not fit in the memory that this run may take"));
}

}  // namespace calque::ops
