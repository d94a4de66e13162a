// Loops over strided tensors: dimensions in the order of memory, merged where that is possible, one callback
// for each innermost run.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "calque/tensor.h"

namespace calque {

/// The loop over a shape for N operands. Dimensions of size 1 are dropped, the others are walked in the
/// memory order of operand 0, and neighbours are merged.
template <size_t N>
class StridedLoop {
 public:
  using Strides = std::array<int64_t, N>;

  /// `strides[k]` belongs to operand k, in elements, one for each of `sizes`.
  StridedLoop(IntArrayRef sizes, const std::array<Dims, N>& strides) {
    for (size_t d = 0; d < sizes.size(); ++d) {
      empty_ = empty_ || sizes[d] == 0;
      if (sizes[d] == 1) continue;
      Axis axis{.size = sizes[d], .strides = {}};
      for (size_t k = 0; k < N; ++k) axis.strides[k] = strides[k][d];
      insert(axis);
    }
    merge();
  }

  /// Calls run(n, offsets, strides): n elements at offsets[k] + i * strides[k].
  template <class F>
  void for_each_run(F&& run) const {
    if (empty_) return;
    walk(axes_.size() - 1,
         [&](const Strides& offsets) { run(axes_.back().size, offsets, axes_.back().strides); });
  }

  /// Calls run(rows, n, offsets, row_strides, strides): element [r, i] at offsets[k] + r * row_strides[k] +
  /// i * strides[k].
  template <class F>
  void for_each_plane(F&& run) const {
    if (empty_) return;
    if (axes_.size() == 1) {
      run(1, axes_[0].size, Strides{}, Strides{}, axes_[0].strides);
      return;
    }
    const size_t outer = axes_.size() - 2;
    walk(outer, [&](const Strides& offsets) {
      run(axes_[outer].size, axes_.back().size, offsets, axes_[outer].strides, axes_.back().strides);
    });
  }

 private:
  struct Axis {
    int64_t size;
    Strides strides;
  };

  void insert(const Axis& axis) {
    auto at = axes_.end();
    while (at != axes_.begin() && (at - 1)->strides[0] < axis.strides[0]) --at;
    axes_.insert(at, axis);
  }

  void merge() {
    size_t kept = 0;
    for (size_t i = 1; i < axes_.size(); ++i) {
      Axis& outer = axes_[kept];
      const Axis& inner = axes_[i];
      bool joined = true;
      for (size_t k = 0; k < N; ++k) joined = joined && outer.strides[k] == inner.strides[k] * inner.size;
      if (joined) {
        outer = {.size = outer.size * inner.size, .strides = inner.strides};
      } else {
        axes_[++kept] = inner;
      }
    }
    if (axes_.empty()) {
      axes_.push_back({.size = 1, .strides = {}});
    } else {
      axes_.resize(kept + 1);
    }
  }

  /// Visits all positions of the first `outer` axes.
  template <class F>
  void walk(size_t outer, F&& visit) const {
    Strides offsets{};
    Dims index(outer, 0);
    while (true) {
      visit(std::as_const(offsets));
      size_t d = outer;
      for (; d > 0; --d) {
        const Axis& axis = axes_[d - 1];
        for (size_t k = 0; k < N; ++k) offsets[k] += axis.strides[k];
        if (++index[d - 1] < axis.size) break;
        for (size_t k = 0; k < N; ++k) offsets[k] -= axis.strides[k] * axis.size;
        index[d - 1] = 0;
      }
      if (d == 0) return;
    }
  }

  std::vector<Axis> axes_;
  bool empty_ = false;
};

/// Strides of `t` as a vector.
inline Dims strides_of(const Tensor& t) { return {t.strides().begin(), t.strides().end()}; }

}  // namespace calque
