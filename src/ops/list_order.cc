// Lists in order: sorting, sums, extremes.
#include <algorithm>

#include "base/text.h"
#include "ops/lists.h"
#include "ops/loops.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

bool less(const IValue& a, const IValue& b) {
  if (a.isString() && b.isString()) return a.toStringRef() < b.toStringRef();
  if (a.isTuple() && b.isTuple()) {
    return std::ranges::lexicographical_compare(a.tuple_impl()->items, b.tuple_impl()->items, less);
  }
  if (a.isTensor() && b.isTensor()) return a.toTensor().item().to_double() < b.toTensor().item().to_double();
  if (a.isInt() && b.isInt()) return a.toInt() < b.toInt();
  return a.toScalar().to_double() < b.toScalar().to_double();
}

/// A merge sort of our own: it stays inside the list whatever the comparison says, NaN included, and is
/// stable.
void merge_sort(Items& list, bool descending) {
  Items other(list.size());
  const auto before = [&](const IValue& a, const IValue& b) { return descending ? less(b, a) : less(a, b); };
  for (size_t width = 1; width < list.size(); width *= 2) {
    for (size_t at = 0; at < list.size(); at += 2 * width) {
      const size_t middle = std::min(at + width, list.size());
      const size_t end = std::min(at + 2 * width, list.size());
      size_t left = at;
      size_t right = middle;
      for (size_t k = at; k < end; ++k) {
        const bool take_right = left == middle || (right < end && before(list[right], list[left]));
        other[k] = std::move(take_right ? list[right++] : list[left++]);
      }
    }
    std::swap(list, other);
  }
}

void sort(OpCall& c) { merge_sort(items(c, 0), c.boolean(1)); }
void sorted(OpCall& c) {
  Items out = items(c, 0);
  merge_sort(out, false);
  c.ret(list_like(c, 0, std::move(out)));
}

// --- reductions

void sum(OpCall& c) {
  const Items& list = items(c, 0);
  if (c[0].list_impl()->element_type->kind() == TypeKind::Float) {
    double total = 0;
    for (const IValue& item : list) total += item.toDouble();
    return c.ret(total);
  }
  int64_t total = 0;
  for (const IValue& item : list) total = wrap_add(total, item.toScalar().to_int());
  c.ret(total);
}

bool truth(const IValue& value) {
  return value.isString() ? !value.toStringRef().empty() : value.toScalar().to_bool();
}
void any(OpCall& c) { c.ret(std::ranges::any_of(items(c, 0), truth)); }
void all(OpCall& c) { c.ret(std::ranges::all_of(items(c, 0), truth)); }

void minimum(OpCall& c) {
  const Items& list = items(c, 0);
  if (list.empty()) throw RuntimeError("min() arg is an empty sequence");
  c.ret(*std::ranges::min_element(list, less));
}
void maximum(OpCall& c) {
  const Items& list = items(c, 0);
  if (list.empty()) throw RuntimeError("max() arg is an empty sequence");
  c.ret(*std::ranges::max_element(list, less));
}
/// The lesser (greater) of two lists.
bool list_less(const Items& a, const Items& b) { return std::ranges::lexicographical_compare(a, b, less); }
void lesser_list(OpCall& c) { c.ret(list_less(items(c, 1), items(c, 0)) ? c[1] : c[0]); }
void greater_list(OpCall& c) { c.ret(list_less(items(c, 0), items(c, 1)) ? c[1] : c[0]); }

constexpr OpRow kListOrderOps[] = {
    {"aten::sort.int(int[](a!) self, bool reverse=False) -> ()", sort},
    {"aten::sort.float(float[](a!) self, bool reverse=False) -> ()", sort},
    {"aten::sort.Tensor(Tensor[](a!) self, bool reverse=False) -> ()", sort},
    {"aten::sort.bool(bool[](a!) self, bool reverse=False) -> ()", sort},
    {"aten::sort.str(str[](a!) self, bool reverse=False) -> ()", sort},
    {"aten::sort.any(t[](a!) self, bool reverse=False) -> ()", sort},
    {"aten::sorted.int(int[](a) input) -> int[]", sorted},
    {"aten::sorted.float(float[](a) input) -> float[]", sorted},
    {"aten::sorted.Tensor(Tensor[](a) input) -> Tensor[]", sorted},
    {"aten::sorted.bool(bool[](a) input) -> bool[]", sorted},
    {"aten::sorted.str(str[](a) input) -> str[]", sorted},
    {"aten::sorted.any(t[](a) self) -> t[]", sorted},
    {"aten::sum.int(int[] self) -> int", sum},
    {"aten::sum.float(float[] self) -> float", sum},
    {"aten::sum.bool(bool[] self) -> int", sum},
    {"aten::any.str(str[] self) -> bool", any},
    {"aten::any.int(int[] self) -> bool", any},
    {"aten::any.float(float[] self) -> bool", any},
    {"aten::any.bool(bool[] self) -> bool", any},
    {"aten::all.int(int[] self) -> bool", all},
    {"aten::all.float(float[] self) -> bool", all},
    {"aten::all.bool(bool[] self) -> bool", all},
    {"prim::min.int_list(int[] l, int[] r) -> int[]", lesser_list},
    {"prim::min.self_int(int[] self) -> int", minimum},
    {"prim::min.float_list(float[] l, float[] r) -> float[]", lesser_list},
    {"prim::min.self_float(float[] self) -> float", minimum},
    {"prim::min.bool_list(bool[] l, bool[] r) -> bool[]", lesser_list},
    {"prim::min.self_bool(bool[] self) -> bool", minimum},
    {"prim::max.int_list(int[] l, int[] r) -> int[]", greater_list},
    {"prim::max.self_int(int[] self) -> int", maximum},
    {"prim::max.float_list(float[] l, float[] r) -> float[]", greater_list},
    {"prim::max.self_float(float[] self) -> float", maximum},
    {"prim::max.bool_list(bool[] l, bool[] r) -> bool[]", greater_list},
    {"prim::max.self_bool(bool[] self) -> bool", maximum},
};

}  // namespace

OpTable list_order_ops() { return kListOrderOps; }

}  // namespace calque::ops
