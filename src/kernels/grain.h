// How much work one task of a parallel loop should have.
#pragma once

#include <cstdint>

namespace calque::kernels {

/// Elements of cheap arithmetic that are worth handing to another thread.
inline constexpr int64_t kGrainElements = 16384;

/// Rows per task for rows of `cols` elements.
inline int64_t row_grain(int64_t cols) {
  if (cols >= kGrainElements) return 1;
  return cols < 1 ? kGrainElements : kGrainElements / cols;
}

}  // namespace calque::kernels
