#include "ops/positions.h"

#include "base/text.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

std::vector<int64_t> element_offsets(IntArrayRef sizes, IntArrayRef strides, int64_t base) {
  std::vector<int64_t> out = {base};
  for (size_t d = 0; d < sizes.size(); ++d) {
    std::vector<int64_t> next;
    next.reserve(out.size() * static_cast<size_t>(sizes[d]));
    for (const int64_t offset : out) {
      for (int64_t i = 0; i < sizes[d]; ++i) next.push_back(offset + i * strides[d]);
    }
    out = std::move(next);
  }
  return out;
}

Tensor nonzero(const Tensor& t) {
  const Tensor flat = t.contiguous();
  std::vector<int64_t> found;
  dispatch_all(t.dtype(), "nonzero", [&]<class T>(TypeTag<T>) {
    const T* p = elements<T>(flat);
    for (int64_t i = 0; i < flat.numel(); ++i) {
      if (Element<T>::load(p[i]) != OpType<T>(0)) found.push_back(i);
    }
  });
  const int64_t rank = t.dim();
  // One row of memory for each dimension, as PyTorch lays it out.
  const auto count = static_cast<int64_t>(found.size());
  Tensor out = empty({rank, count}, kLong);
  auto* p = elements<int64_t>(out);
  for (size_t i = 0; i < found.size(); ++i) {
    int64_t rest = found[i];
    for (int64_t d = rank; d-- > 0;) {
      p[d * count + static_cast<int64_t>(i)] = rest % t.sizes()[d];
      rest /= t.sizes()[d];
    }
  }
  return out.transpose(0, 1);
}

int64_t wrap_index(int64_t index, int64_t dim, int64_t size) {
  if (index >= -size && index < size) return index < 0 ? index + size : index;
  throw IndexError(cat("index ", index, " is out of bounds for dimension ", dim, " with size ", size));
}

}  // namespace calque::ops
