#include "ops/rows_view.h"

namespace calque::ops {

std::optional<RowsView> rows_view(const Tensor& tensor) {
  const size_t rank = tensor.sizes().size();
  if (tensor.dtype() != kFloat || rank == 0) return std::nullopt;
  RowsView view{.data = tensor.data_ptr<float>(), .rows = 1, .cols = tensor.sizes()[rank - 1]};
  if (view.cols > 1 && tensor.strides()[rank - 1] != 1) return std::nullopt;
  view.stride = view.cols;
  bool first = true;
  for (size_t d = rank - 1; d-- > 0;) {
    const int64_t size = tensor.sizes()[d];
    if (size == 1) continue;
    if (first) view.stride = tensor.strides()[d];
    if (!first && tensor.strides()[d] != view.stride * view.rows) return std::nullopt;
    first = false;
    view.rows *= size;
  }
  return view;
}

}  // namespace calque::ops
