// Distinct elements and slices.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/support.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

/// Groups of equal slices: for each group its first slice, for each slice its group, and the sizes.
struct Groups {
  std::vector<int64_t> first, group_of, counts;
};

/// Joins neighbours in `order` that are equal.
template <class Equal>
Groups join_neighbours(const std::vector<int64_t>& order, Equal equal) {
  Groups g;
  g.group_of.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !equal(order[i - 1], order[i])) {
      g.first.push_back(order[i]);
      g.counts.push_back(0);
    }
    ++g.counts.back();
    g.group_of[order[i]] = static_cast<int64_t>(g.first.size()) - 1;
  }
  return g;
}

/// x as [slices, elements of a slice]; groups of equal slices, sorted or in runs.
Groups group_slices(const Tensor& rows, bool sorted) {
  std::vector<int64_t> order(static_cast<size_t>(rows.sizes()[0]));
  std::iota(order.begin(), order.end(), 0);
  const int64_t width = rows.sizes()[1];
  Groups g;
  dispatch_all(rows.dtype(), "unique", [&]<class T>(TypeTag<T>) {
    const auto at = [&](int64_t row, int64_t i) {
      return Element<T>::load(elements<T>(rows)[row * width + i]);
    };
    const auto equal = [&](int64_t a, int64_t b) {
      for (int64_t i = 0; i < width; ++i) {
        if (at(a, i) != at(b, i)) return false;
      }
      return true;
    };
    if (sorted) {
      std::ranges::sort(order, [&](int64_t a, int64_t b) {
        for (int64_t i = 0; i < width; ++i) {
          const auto x = at(a, i);
          const auto y = at(b, i);
          if (x < y || (y != y && x == x)) return true;
          if (y < x || (x != x && y == y)) return false;
        }
        return a < b;
      });
    }
    g = join_neighbours(order, equal);
  });
  return g;
}

struct Wanted {
  bool inverse, counts;
};

Tensor optional_result(const std::vector<int64_t>& values, bool wanted) {
  return wanted ? tensor(values) : empty({0}, kLong);
}

/// Distinct elements of the flattened tensor.
void unique_flat(OpCall& c, const Tensor& x, bool sorted, Wanted wanted) {
  const Tensor flat = x.contiguous().view(Dims{-1});
  const Groups g = group_slices(flat.view(Dims{flat.numel(), 1}), sorted);
  Tensor out = empty({static_cast<int64_t>(g.first.size())}, x.dtype());
  dispatch_width(x.dtype(), [&]<class T>(TypeTag<T>) {
    for (size_t i = 0; i < g.first.size(); ++i) elements<T>(out)[i] = elements<T>(flat)[g.first[i]];
  });
  c.ret(out, 0);
  c.ret(wanted.inverse ? tensor(g.group_of).view(x.sizes()) : empty({0}, kLong), 1);
  c.ret(optional_result(g.counts, wanted.counts), 2);
}

/// Distinct slices along a dimension.
void unique_slices(OpCall& c, const Tensor& x, int64_t dim, bool sorted, Wanted wanted) {
  const int64_t d = wrap_dim(dim, x.dim(), /*scalar_as_vector=*/false);
  const Tensor front = x.transpose(0, d).contiguous();
  const int64_t count = front.sizes()[0];
  if (count == 0) {
    c.ret(x.clone(), 0);
    c.ret(empty({0}, kLong), 1);
    c.ret(empty({0}, kLong), 2);
    return;
  }
  const int64_t width = front.numel() / count;
  if (width == 0) {
    throw RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
  }
  const Groups g = group_slices(front.view(Dims{count, width}), sorted);
  Dims sizes = to_dims(front.sizes());
  sizes[0] = static_cast<int64_t>(g.first.size());
  Tensor out = empty(sizes, x.dtype());
  for (size_t i = 0; i < g.first.size(); ++i) {
    out.select(0, static_cast<int64_t>(i)).copy_(front.select(0, g.first[i]));
  }
  c.ret(out.transpose(0, d), 0);
  c.ret(optional_result(g.group_of, wanted.inverse), 1);
  c.ret(optional_result(g.counts, wanted.counts), 2);
}

void unique2(OpCall& c) {
  unique_flat(c, c.tensor(0), true, {.inverse = c.boolean(2), .counts = c.boolean(3)});
}
void unique_dim(OpCall& c) {
  unique_slices(c, c.tensor(0), c.integer(1), true, {.inverse = true, .counts = true});
}
void unique_consecutive(OpCall& c) {
  const Wanted wanted{.inverse = c.boolean(1), .counts = c.boolean(2)};
  if (c[3].isNone()) return unique_flat(c, c.tensor(0), false, wanted);
  unique_slices(c, c.tensor(0), c.integer(3), false, {.inverse = true, .counts = true});
}

constexpr OpRow kUniqueOps[] = {
    {"aten::_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> "
     "(Tensor, Tensor, Tensor)",
     unique2},
    {"aten::unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, bool "
     "return_counts=False) -> (Tensor, Tensor, Tensor)",
     unique_dim},
    {"aten::unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? "
     "dim=None) -> (Tensor, Tensor, Tensor)",
     unique_consecutive},
};

}  // namespace

OpTable unique_ops() { return kUniqueOps; }

}  // namespace calque::ops
