// Lists.
#include <algorithm>

#include "base/text.h"
#include "ops/limits.h"
#include "ops/lists.h"
#include "ops/loops.h"
#include "ops/tables.h"
#include "ops/value_text.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

/// Position of an element; negative counts from the end.
size_t position(const Items& list, int64_t index) {
  const auto size = static_cast<int64_t>(list.size());
  if (index < -size || index >= size) throw IndexError("list index out of range");
  return static_cast<size_t>(index < 0 ? index + size : index);
}

/// Equality of elements; tensors are equal when their single value says so, as Python's `in` has it.
bool same(const IValue& a, const IValue& b) {
  if (!a.isTensor() || !b.isTensor()) return a == b;
  const Tensor x = a.toTensor();
  const Tensor y = b.toTensor();
  if (x.is_same(y)) return true;
  if (x.numel() != 1 || y.numel() != 1) {
    throw RuntimeError("Boolean value of Tensor with more than one value is ambiguous");
  }
  return x.item().to_double() == y.item().to_double();
}

auto find(const Items& list, const IValue& value) {
  return std::ranges::find_if(list, [&](const IValue& item) { return same(item, value); });
}

void len(OpCall& c) { c.ret(static_cast<int64_t>(items(c, 0).size())); }
void get_item(OpCall& c) {
  const Items& list = items(c, 0);
  c.ret(list[position(list, c.integer(1))]);
}
void set_item(OpCall& c) {
  Items& list = items(c, 0);
  list[position(list, c.integer(1))] = c[2];
  c.ret(c[0]);
}
void append(OpCall& c) {
  items(c, 0).push_back(c[1]);
  c.ret(c[0]);
}
void insert(OpCall& c) {
  Items& list = items(c, 0);
  const auto size = static_cast<int64_t>(list.size());
  const int64_t index = c.integer(1) < 0 ? c.integer(1) + size : c.integer(1);
  list.insert(list.begin() + std::clamp<int64_t>(index, 0, size), c[2]);
}
void extend(OpCall& c) {
  const Items more = items(c, 1);
  Items& list = items(c, 0);
  check_growth(static_cast<int64_t>(list.size() + more.size()), sizeof(IValue));
  list.insert(list.end(), more.begin(), more.end());
}
void pop(OpCall& c) {
  Items& list = items(c, 0);
  if (list.empty()) throw IndexError("pop from empty list");
  const size_t at = position(list, c.integer(1));
  IValue value = std::move(list[at]);
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
  c.ret(std::move(value));
}
void erase(OpCall& c) {
  Items& list = items(c, 0);
  if (list.empty()) throw IndexError("pop from empty list");
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(position(list, c.integer(1))));
}
void clear(OpCall& c) { items(c, 0).clear(); }
void reverse(OpCall& c) { std::ranges::reverse(items(c, 0)); }
void copy(OpCall& c) { c.ret(list_like(c, 0, items(c, 0))); }

void remove(OpCall& c) {
  Items& list = items(c, 0);
  const auto at = find(list, c[1]);
  if (at == list.end()) throw RuntimeError("list.remove(x): x not in list");
  list.erase(at);
}
void count(OpCall& c) {
  c.ret(static_cast<int64_t>(
      std::ranges::count_if(items(c, 0), [&](const IValue& item) { return same(item, c[1]); })));
}
void index(OpCall& c) {
  const Items& list = items(c, 0);
  const auto at = find(list, c[1]);
  if (at == list.end()) throw RuntimeError(cat("'", value_text(c[1]), "' is not in list"));
  c.ret(static_cast<int64_t>(at - list.begin()));
}
void contains(OpCall& c) { c.ret(find(items(c, 0), c[1]) != items(c, 0).end()); }

void add_lists(OpCall& c) {
  Items joined = items(c, 0);
  const Items& more = items(c, 1);
  check_growth(static_cast<int64_t>(joined.size() + more.size()), sizeof(IValue));
  joined.insert(joined.end(), more.begin(), more.end());
  c.ret(list_like(c, 0, std::move(joined)));
}
void add_(OpCall& c) {
  extend(c);
  c.ret(c[0]);
}

Items repeated(const Items& list, int64_t times) {
  int64_t total = 0;
  if (times <= 0) return {};
  if (__builtin_mul_overflow(static_cast<int64_t>(list.size()), times, &total)) total = INT64_MAX;
  check_growth(total, sizeof(IValue));
  Items out;
  out.reserve(static_cast<size_t>(total));
  for (int64_t i = 0; i < times && !list.empty(); ++i) out.insert(out.end(), list.begin(), list.end());
  return out;
}
void mul_left(OpCall& c) { c.ret(list_like(c, 0, repeated(items(c, 0), c.integer(1)))); }
void mul_right(OpCall& c) { c.ret(list_like(c, 1, repeated(items(c, 1), c.integer(0)))); }
void mul_(OpCall& c) {
  Items out = repeated(items(c, 0), c.integer(1));
  items(c, 0) = std::move(out);
  c.ret(c[0]);
}

void slice(OpCall& c) {
  const Items& list = items(c, 0);
  const auto size = static_cast<int64_t>(list.size());
  const int64_t step = c.integer(3);
  if (step == 0) throw RuntimeError("List slice should have non-zero step");
  const bool forward = step > 0;
  const int64_t low = forward ? 0 : -1;
  const int64_t high = forward ? size : size - 1;
  const auto bound = [&](size_t i, int64_t missing) {
    if (c[i].isNone()) return missing;
    int64_t value = c.integer(i);
    if (value < 0 && __builtin_add_overflow(value, size, &value)) value = low;
    return std::clamp(value, low, high);
  };
  const int64_t start = bound(1, forward ? 0 : size - 1);
  const int64_t end = bound(2, forward ? size : -1);
  Items out;
  for (int64_t i = start; forward ? i < end : i > end;) {
    out.push_back(list[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  c.ret(list_like(c, 0, std::move(out)));
}

void characters(OpCall& c) {
  std::vector<std::string> out;
  for (const char ch : c[0].toStringRef()) out.emplace_back(1, ch);
  c.ret(out);
}
void range_list(OpCall& c) {
  check_growth(c.integer(0), sizeof(IValue));
  std::vector<int64_t> out;
  for (int64_t i = 0; i < c.integer(0); ++i) out.push_back(i);
  c.ret(out);
}

// --- nested lists from tensors

IValue nested(const Tensor& t, int64_t depth, const TypePtr& type) {
  if (depth == 0) {
    const Scalar value = t.item();
    if (type->kind() == TypeKind::Float) return IValue(value.to_double());
    return IValue(value);
  }
  auto out = make_ref<ListImpl>();
  out->element_type = type->contained()[0];
  for (int64_t i = 0; i < t.sizes()[0]; ++i)
    out->items.push_back(nested(t.select(0, i), depth - 1, type->contained()[0]));
  return IValue(std::move(out));
}

/// Arguments: tensor, number of dimensions, element type (0 int, 1 float, 2 bool).
void tolist(OpCall& c) {
  const Tensor t = c.tensor(0);
  const int64_t depth = c.integer(1);
  const int64_t kind = c.integer(2);
  if (depth != t.dim()) {
    throw RuntimeError(
        "Output annotation list dimension and runtime tensor dimension must match for tolist()");
  }
  const bool fits = (kind == 0 && is_integral(t.dtype())) || (kind == 1 && t.is_floating_point()) ||
                    (kind == 2 && t.dtype() == kBool);
  if (!fits)
    throw RuntimeError(
        "Output annotation element type and runtime tensor element type must match for tolist()");
  check_growth(t.numel(), sizeof(IValue));
  TypePtr type = kind == 0 ? int_type() : kind == 1 ? float_type() : bool_type();
  for (int64_t d = 0; d < depth; ++d) type = list_type(type);
  c.ret(nested(t, depth, type));
}

constexpr OpRow kListOps[] = {
    {"aten::len.t(t[] a) -> int", len},
    {"aten::__getitem__.t(t[](a) list, int idx) -> t(*)", get_item},
    {"aten::select.t(t[](a) list, int idx) -> t(*)", get_item},
    {"aten::_set_item.t(t[](a!) l, int idx, t(b -> *) el) -> t[](a!)", set_item},
    {"aten::append.t(t[](a!) self, t(c -> *) el) -> t[](a!)", append},
    {"aten::insert.t(t[](a!) self, int idx, t(b -> *) el) -> ()", insert},
    {"aten::extend.t(t[](a!) self, t[] other) -> ()", extend},
    {"aten::pop.t(t[](a!) self, int idx=-1) -> t(*)", pop},
    {"aten::Delete.t(t[](a!) self, int idx) -> ()", erase},
    {"aten::clear.t(t[](a!) self) -> ()", clear},
    {"aten::reverse.t(t[](a!) self) -> ()", reverse},
    {"aten::copy.t(t[](a) self) -> t[]", copy},
    {"aten::list(str t) -> str[]", characters},
    {"aten::list.t(t[] l) -> t[]", copy},
    {"aten::Size(int[] sizes) -> int[]", copy},
    {"aten::remove.int(int[](a!) self, int el) -> ()", remove},
    {"aten::remove.float(float[](a!) self, float el) -> ()", remove},
    {"aten::remove.bool(bool[](a!) self, bool el) -> ()", remove},
    {"aten::remove.Tensor(Tensor[](a!) self, Tensor el) -> ()", remove},
    {"aten::remove.str(str[](a!) self, str el) -> ()", remove},
    {"aten::count.int(int[] self, int el) -> int", count},
    {"aten::count.float(float[] self, float el) -> int", count},
    {"aten::count.bool(bool[] self, bool el) -> int", count},
    {"aten::count.Tensor(Tensor[] self, Tensor el) -> int", count},
    {"aten::count.str(str[] self, str el) -> int", count},
    {"aten::index.list_int(int[] self, int el) -> int", index},
    {"aten::index.list_float(float[] self, float el) -> int", index},
    {"aten::index.list_bool(bool[] self, bool el) -> int", index},
    {"aten::index.list_Tensor(Tensor[] self, Tensor el) -> int", index},
    {"aten::index.list_str(str[] self, str el) -> int", index},
    {"aten::__contains__.int_list(int[] l, int item) -> bool", contains},
    {"aten::__contains__.str_list(str[] l, str item) -> bool", contains},
    {"aten::add.t(t[] a, t[] b) -> t[]", add_lists},
    {"aten::add_.t(t[](a!) self, t[] b) -> t[]", add_},
    {"aten::mul.left_t(t[] l, int n) -> t[]", mul_left},
    {"aten::mul.right_(int n, t[] l) -> t[]", mul_right},
    {"aten::mul_.t(t[](a!) l, int n) -> t[](a!)", mul_},
    {"aten::slice.t(t[] l, int? start=None, int? end=None, int step=1) -> t[]", slice},
    {"prim::rangelist(int n) -> int[]", range_list},
    {"prim::tolist(...) -> ...", tolist},
};

}  // namespace

OpTable list_ops() { return kListOps; }

}  // namespace calque::ops
