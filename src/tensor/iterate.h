// Loops over strided tensors: dimensions merged where memory allows, one callback for each innermost run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "calque/tensor.h"

namespace calque {

/// The loop over a shape for N operands. Dimensions of size 1 are dropped and neighbours merged.
template <size_t N>
class StridedLoop {
 public:
  /// `strides[k]` belongs to operand k, in elements, one for each of `sizes`.
  StridedLoop(IntArrayRef sizes, const std::array<Dims, N>& strides) {
    for (size_t d = 0; d < sizes.size(); ++d) {
      empty_ = empty_ || sizes[d] == 0;
      if (sizes[d] == 1) continue;
      std::array<int64_t, N> s{};
      for (size_t k = 0; k < N; ++k) s[k] = strides[k][d];
      if (!merge(sizes[d], s)) {
        sizes_.push_back(sizes[d]);
        strides_.push_back(s);
      }
    }
    if (sizes_.empty()) {
      sizes_.push_back(1);
      strides_.push_back({});
    }
  }

  /// Calls run(n, offsets, strides): n elements at offsets[k] + i * strides[k].
  template <class F>
  void for_each_run(F&& run) const {
    if (empty_) return;
    std::array<int64_t, N> offsets{};
    const size_t outer = sizes_.size() - 1;
    Dims index(outer, 0);
    while (true) {
      run(sizes_[outer], offsets, strides_[outer]);
      size_t d = outer;
      while (d-- > 0) {
        for (size_t k = 0; k < N; ++k) offsets[k] += strides_[d][k];
        if (++index[d] < sizes_[d]) break;
        for (size_t k = 0; k < N; ++k) offsets[k] -= strides_[d][k] * sizes_[d];
        index[d] = 0;
      }
      if (d == static_cast<size_t>(-1)) return;
    }
  }

 private:
  bool merge(int64_t size, const std::array<int64_t, N>& inner) {
    if (sizes_.empty()) return false;
    for (size_t k = 0; k < N; ++k) {
      if (strides_.back()[k] != inner[k] * size) return false;
    }
    sizes_.back() *= size;
    strides_.back() = inner;
    return true;
  }

  Dims sizes_;
  std::vector<std::array<int64_t, N>> strides_;
  bool empty_ = false;
};

/// Strides of `t` as a vector.
inline Dims strides_of(const Tensor& t) { return {t.strides().begin(), t.strides().end()}; }

}  // namespace calque
