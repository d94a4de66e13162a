// Sorting and selection along a dimension. NaN counts as larger than every number.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/rows.h"
#include "ops/support.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

/// Positions of a row in order; equal elements keep theirs.
template <class T>
std::vector<int64_t> sorted_places(const T* p, const Row& row, bool descending) {
  std::vector<int64_t> order(static_cast<size_t>(row.size));
  std::iota(order.begin(), order.end(), 0);
  const auto less = [](OpType<T> x, OpType<T> y) { return x < y || (y != y && x == x); };
  std::ranges::sort(order, [&](int64_t a, int64_t b) {
    const OpType<T> x = Element<T>::load(p[a * row.stride]);
    const OpType<T> y = Element<T>::load(p[b * row.stride]);
    if (descending ? less(y, x) : less(x, y)) return true;
    if (descending ? less(x, y) : less(y, x)) return false;
    return a < b;
  });
  return order;
}

struct Sorted {
  Tensor values, places;
};

Sorted sort(const Tensor& x, int64_t dim, bool descending) {
  const int64_t d = wrap_dim(dim, x.dim());
  const Tensor in = x.contiguous();
  Sorted out{.values = empty(x.sizes(), x.dtype()), .places = empty(x.sizes(), kLong)};
  dispatch_all(x.dtype(), "sort", [&]<class T>(TypeTag<T>) {
    for_each_row(in.sizes(), d, [&](const Row& row) {
      const T* p = elements<T>(in) + row.offset;
      const std::vector<int64_t> order = sorted_places(p, row, descending);
      for (int64_t i = 0; i < row.size; ++i) {
        elements<T>(out.values)[row.offset + i * row.stride] = p[order[i] * row.stride];
        elements<int64_t>(out.places)[row.offset + i * row.stride] = order[i];
      }
    });
  });
  // The results keep the memory order of a dense input.
  if (in.is_same(x) || x.dim() < 2) return out;
  Sorted arranged{.values = empty_like(x, x.dtype()), .places = empty_like(x, kLong)};
  arranged.values.copy_(out.values);
  arranged.places.copy_(out.places);
  return arranged;
}

void give(OpCall& c, const Sorted& s) {
  c.ret(s.values, 0);
  c.ret(s.places, 1);
}

void sort_op(OpCall& c) { give(c, sort(c.tensor(0), c.integer(1), c.boolean(2))); }
void sort_stable(OpCall& c) { give(c, sort(c.tensor(0), c.integer(2), c.boolean(3))); }
void argsort(OpCall& c) { c.ret(sort(c.tensor(0), c.integer(1), c.boolean(2)).places); }
void argsort_stable(OpCall& c) { c.ret(sort(c.tensor(0), c.integer(2), c.boolean(3)).places); }
void msort(OpCall& c) { c.ret(sort(c.tensor(0), 0, false).values); }

struct Selection {
  bool largest, sorted;
};

/// The first k of a row in order, with their positions. Which of several equal elements are taken, and in
/// what order, is what the standard library's selection leaves: PyTorch's too, and beams of equal scores
/// depend on it.
template <class T>
std::vector<std::pair<OpType<T>, int64_t>> selected(const T* p, const Row& row, int64_t k,
                                                    const Selection& s) {
  using Pair = std::pair<OpType<T>, int64_t>;
  std::vector<Pair> queue;
  queue.reserve(static_cast<size_t>(row.size));
  for (int64_t i = 0; i < row.size; ++i) queue.emplace_back(Element<T>::load(p[i * row.stride]), i);
  const auto before = [largest = s.largest](const Pair& a, const Pair& b) {
    const bool a_nan = a.first != a.first;
    const bool b_nan = b.first != b.first;
    if (largest) return (a_nan && !b_nan) || a.first > b.first;
    return (!a_nan && b_nan) || a.first < b.first;
  };
  if (k == 0) return {};
  if (k * 64 <= row.size) {
    std::partial_sort(queue.begin(), queue.begin() + k, queue.end(), before);
  } else {
    std::nth_element(queue.begin(), queue.begin() + k - 1, queue.end(), before);
    if (s.sorted) std::sort(queue.begin(), queue.begin() + k - 1, before);
  }
  queue.resize(static_cast<size_t>(k));
  return queue;
}

void topk(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t k = c.integer(1);
  const int64_t d = wrap_dim(c.integer(2), x.dim());
  const int64_t size = x.dim() == 0 ? 1 : x.sizes()[d];
  if (k < 0 || k > size) throw RuntimeError("selected index k out of range");
  if (x.dtype() == kBool) throw_not_implemented("topk_cpu", kBool);
  if (x.dim() == 0) return give(c, sort(x, 0, c.boolean(3)));
  Dims sizes = to_dims(x.sizes());
  sizes[d] = k;
  const Tensor in = x.contiguous();
  const Sorted out{.values = empty(sizes, x.dtype()), .places = empty(sizes, kLong)};
  dispatch_numeric(x.dtype(), "topk_cpu", [&]<class T>(TypeTag<T>) {
    for_each_row(in.sizes(), d, [&](const Row& row) {
      const T* p = elements<T>(in) + row.offset;
      const auto best = selected<T>(p, row, k, {.largest = c.boolean(3), .sorted = c.boolean(4)});
      const int64_t to = row.index / row.stride * k * row.stride + row.index % row.stride;
      for (int64_t i = 0; i < k; ++i) {
        elements<int64_t>(out.places)[to + i * row.stride] = best[i].second;
        elements<T>(out.values)[to + i * row.stride] = p[best[i].second * row.stride];
      }
    });
  });
  give(c, out);
}

/// Values and places at one position of the order, along the dimension.
void at_position(OpCall& c, const Tensor& x, int64_t d, int64_t position, bool keepdim) {
  const Sorted all = sort(x.contiguous(), d, false);
  if (x.dim() == 0) return give(c, all);
  Sorted one{.values = all.values.slice(d, position, position + 1).contiguous(),
             .places = all.places.slice(d, position, position + 1).contiguous()};
  if (!keepdim) one = {.values = one.values.squeeze(d), .places = one.places.squeeze(d)};
  give(c, one);
}

void kthvalue(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t k = c.integer(1);
  const int64_t d = wrap_dim(c.integer(2), x.dim());
  const int64_t size = x.dim() == 0 ? 1 : x.sizes()[d];
  if (x.dtype() == kBool) throw_not_implemented("kthvalue_cpu", kBool);
  if (k < 1 || k > size)
    throw RuntimeError(cat("kthvalue(): selected number k out of range for dimension ", d));
  at_position(c, x, d, k - 1, c.boolean(3));
}

/// The first longest run of equal elements in the order: where it begins, how long it is.
template <class T>
std::pair<size_t, size_t> longest_run(const T* p, const Row& row, const std::vector<int64_t>& order) {
  std::pair<size_t, size_t> best{0, 0};
  size_t start = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const bool same =
        Element<T>::load(p[order[i] * row.stride]) == Element<T>::load(p[order[start] * row.stride]);
    if (!same) start = i;
    if (i - start + 1 > best.second) best = {start, i - start + 1};
  }
  return best;
}

/// The commonest value, the smallest of several; its last place.
void mode(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t d = wrap_dim(c.integer(1), x.dim());
  const int64_t size = x.dim() == 0 ? 1 : x.sizes()[d];
  if (size == 0) throw IndexError(cat("mode(): Expected reduction dim ", d, " to have non-zero size."));
  const Tensor in = x.contiguous();
  Dims sizes = to_dims(x.sizes());
  if (x.dim() > 0) sizes[d] = 1;
  Tensor values = empty(sizes, x.dtype());
  Tensor places = empty(sizes, kLong);
  dispatch_all(x.dtype(), "mode", [&]<class T>(TypeTag<T>) {
    for_each_row(in.sizes(), d, [&](const Row& row) {
      const T* p = elements<T>(in) + row.offset;
      const std::vector<int64_t> order = sorted_places(p, row, false);
      const auto [first, count] = longest_run(p, row, order);
      const int64_t best = order[first + count - 1];
      elements<T>(values)[row.index] = p[best * row.stride];
      elements<int64_t>(places)[row.index] = best;
    });
  });
  if (x.dim() > 0 && !c.boolean(2)) {
    values = values.squeeze(d);
    places = places.squeeze(d);
  }
  c.ret(values, 0);
  c.ret(places, 1);
}

constexpr OpRow kSortOps[] = {
    {"aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)",
     sort_op},
    {"aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, "
     "Tensor indices)",
     sort_stable},
    {"aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor", argsort},
    {"aten::argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False) -> Tensor",
     argsort_stable},
    {"aten::msort(Tensor self) -> Tensor", msort},
    {"aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, "
     "Tensor indices)",
     topk},
    {"aten::kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor "
     "indices)",
     kthvalue},
    {"aten::mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)", mode},
};

}  // namespace

OpTable sort_ops() { return kSortOps; }

}  // namespace calque::ops
