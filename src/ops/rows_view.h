// A float32 tensor as rows of its last dimension.
#pragma once

#include <optional>

#include "calque/tensor.h"

namespace calque::ops {

struct RowsView {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;  ///< elements from one row to the next
};

/// nullopt when the elements of a row are not side by side, or rows are not at one distance.
std::optional<RowsView> rows_view(const Tensor& tensor);

}  // namespace calque::ops
