// Advanced indexing: x[i, j], x[i, j] = v.
#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/positions.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

using Indices = std::vector<std::optional<Tensor>>;

Indices indices_of(const IValue& list) {
  Indices out;
  for (const IValue& item : list.toListRef()->items) {
    const bool given = !item.isNone() && item.toTensor().defined();
    out.push_back(given ? std::optional(item.toTensor()) : std::nullopt);
  }
  if (out.empty()) throw IndexError("at least one index must be provided");
  return out;
}

bool is_mask(const Tensor& t) { return t.dtype() == kBool || t.dtype() == kByte; }

void check_mask(const Tensor& self, const Tensor& mask, size_t dim) {
  for (size_t d = 0; d < mask.sizes().size(); ++d) {
    const bool fits = dim + d < self.sizes().size() && mask.sizes()[d] == self.sizes()[dim + d];
    if (!fits) {
      throw IndexError(cat("The shape of the mask ", mask.sizes(), " at index ", d,
                           " does not match the shape of the indexed tensor ", self.sizes(), " at index ",
                           dim + d));
    }
  }
}

void check_count(const Tensor& self, size_t count) {
  if (static_cast<int64_t>(count) > self.dim()) {
    throw IndexError(cat("too many indices for tensor of dimension ", self.dim(), " (got ", count, ")"));
  }
}

/// Masks become the coordinates at which they are true; all indices become int64.
Indices expand_masks(const Tensor& self, const Indices& indices) {
  check_count(self, indices.size());  // a mask without dimensions counts here, and stands for no index below
  Indices out;
  for (const std::optional<Tensor>& index : indices) {
    if (!index) {
      out.emplace_back(std::nullopt);
    } else if (is_mask(*index)) {
      check_mask(self, *index, out.size());
      const Tensor found = nonzero(*index);
      for (int64_t d = 0; d < index->dim(); ++d) out.emplace_back(found.select(1, d).contiguous());
    } else if (index->dtype() == kLong || index->dtype() == kInt) {
      out.emplace_back(index->to(kLong));
    } else {
      throw IndexError("tensors used as indices must be long, int, byte or bool tensors");
    }
  }
  check_count(self, out.size());
  out.resize(self.sizes().size());
  return out;
}

/// What is selected: for each position of the joint index, and each element of the dimensions that are not
/// indexed, an element of the storage.
struct Selection {
  Dims index_sizes{};  ///< the indices broadcast together
  Dims rest_sizes{};   ///< the dimensions without index, in order
  Dims rest_strides{};
  Dims result_sizes{};            ///< index_sizes put where the first index stands, or in front
  size_t index_position = 0;      ///< where in result_sizes
  std::vector<int64_t> chosen{};  ///< offset for each position of the joint index
  std::vector<int64_t> rest{};    ///< offset for each element of the rest

  /// The result's dimensions as [index..., rest...] -> result order.
  Dims order() const {
    Dims out;
    const size_t n = index_sizes.size();
    for (size_t i = 0; i < index_position; ++i) out.push_back(static_cast<int64_t>(n + i));
    for (size_t i = 0; i < n; ++i) out.push_back(static_cast<int64_t>(i));
    for (size_t i = index_position; i < rest_sizes.size(); ++i) out.push_back(static_cast<int64_t>(n + i));
    return out;
  }
  /// The inverse: result order -> [index..., rest...].
  Dims inverse_order() const {
    const Dims forward = order();
    Dims out(forward.size());
    for (size_t i = 0; i < forward.size(); ++i) out[forward[i]] = static_cast<int64_t>(i);
    return out;
  }
};

Dims joint_sizes(const Indices& indices) {
  Dims sizes;
  std::string shapes;
  for (const auto& index : indices) {
    if (!index) continue;
    if (!shapes.empty()) shapes += ", ";
    append(shapes, index->sizes());
  }
  for (const auto& index : indices) {
    if (!index) continue;
    try {
      sizes = broadcast_shapes(sizes, index->sizes());
    } catch (const RuntimeError&) {
      throw IndexError(
          cat("shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes));
    }
  }
  return sizes;
}

/// Are the indexed dimensions neighbours? Then the joint index takes their place.
bool adjacent(const Indices& indices) {
  const auto given = [](const auto& index) { return index.has_value(); };
  const auto first = std::ranges::find_if(indices, given);
  const auto gap = std::find_if_not(first, indices.end(), given);
  return std::find_if(gap, indices.end(), given) == indices.end();
}

/// `ordinal` counts the indices; messages name it as the dimension, as PyTorch's do.
void add_offsets(const Tensor& self, int64_t dim, int64_t ordinal, const Tensor& index, Selection& s) {
  const int64_t size = self.sizes()[dim];
  const int64_t stride = self.strides()[dim];
  const Tensor flat = index.expand(s.index_sizes).contiguous();
  const auto* p = elements<int64_t>(flat);
  if (size == 0 && flat.numel() > 0) throw IndexError("index is out of bounds for dimension with size 0");
  for (int64_t i = 0; i < flat.numel(); ++i) s.chosen[i] += wrap_index(p[i], ordinal, size) * stride;
}

Selection select_elements(const Tensor& self, const Indices& raw) {
  const Indices indices = expand_masks(self, raw);
  Selection s{.index_sizes = joint_sizes(indices)};
  const bool in_place = adjacent(indices);
  bool seen = false;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (indices[d]) {
      if (!seen && in_place) s.index_position = s.rest_sizes.size();
      seen = true;
      continue;
    }
    s.rest_sizes.push_back(self.sizes()[d]);
    s.rest_strides.push_back(self.strides()[d]);
  }
  s.result_sizes = s.rest_sizes;
  s.result_sizes.insert(s.result_sizes.begin() + static_cast<std::ptrdiff_t>(s.index_position),
                        s.index_sizes.begin(), s.index_sizes.end());
  checked_size(s.result_sizes, self.dtype());
  // Charges the offsets to the budget of the run.
  empty(Dims{product(s.index_sizes) + product(s.rest_sizes)}, kLong);
  s.chosen.assign(static_cast<size_t>(product(s.index_sizes)), self.storage_offset());
  int64_t ordinal = 0;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (indices[d]) add_offsets(self, d, ordinal++, *indices[d], s);
  }
  s.rest = element_offsets(s.rest_sizes, s.rest_strides);
  return s;
}

Dims index_then_rest(const Selection& s) {
  Dims sizes = s.index_sizes;
  sizes.insert(sizes.end(), s.rest_sizes.begin(), s.rest_sizes.end());
  return sizes;
}

/// The result's memory order, which follows self's dimensions without index as far as the indices leave it
/// open.
Dims result_strides(const Tensor& self, const Selection& s) {
  if (product(s.result_sizes) == 0) return contiguous_strides(s.result_sizes);
  const auto at = static_cast<std::ptrdiff_t>(s.index_position);
  Dims strides = s.rest_strides;
  strides.insert(strides.begin() + at, s.index_sizes.size(), 0);
  Dims index_shape(s.rest_sizes.size(), 1);
  index_shape.insert(index_shape.begin() + at, s.index_sizes.begin(), s.index_sizes.end());
  const std::array<Tensor, 2> operands = {make_view(self, s.result_sizes, strides, self.storage_offset()),
                                          empty(index_shape, kLong)};
  return elementwise_strides(s.result_sizes, operands);
}

Tensor index(const Tensor& self, const Indices& indices) {
  const Selection s = select_elements(self, indices);
  Tensor out = empty(index_then_rest(s), self.dtype());
  dispatch_width(self.dtype(), [&]<class T>(TypeTag<T>) {
    const T* p = reinterpret_cast<const T*>(self.storage()->data());
    T* r = elements<T>(out);
    for (const int64_t chosen : s.chosen) {
      for (const int64_t rest : s.rest) *r++ = p[chosen + rest];
    }
  });
  Tensor found = out.permute(s.order());
  const Dims strides = result_strides(self, s);
  if (std::ranges::equal(found.strides(), strides)) return found;
  Tensor arranged = empty_strided(s.result_sizes, strides, self.dtype());
  arranged.copy_(found);
  return arranged;
}

/// The values in the order of the selection.
Tensor arranged_values(const Selection& s, const Tensor& self, const Tensor& values) {
  if (values.dtype() != self.dtype()) {
    throw RuntimeError(cat("Index put requires the source and destination dtypes match, got ",
                           dtype_cpp_name(self.dtype()), " for the destination and ",
                           dtype_cpp_name(values.dtype()), " for the source."));
  }
  Tensor expanded;
  try {
    expanded = values.expand(s.result_sizes);
  } catch (const RuntimeError&) {
    throw RuntimeError(cat("shape mismatch: value tensor of shape ", values.sizes(),
                           " cannot be broadcast to indexing result of shape ", IntArrayRef(s.result_sizes)));
  }
  const Tensor arranged = expanded.permute(s.inverse_order());
  return may_overlap(values, self) ? arranged.clone().contiguous() : arranged.contiguous();
}

void index_put(const Tensor& self, const Indices& indices, const Tensor& values, bool accumulate) {
  check_no_internal_overlap(self);
  const Selection s = select_elements(self, indices);
  const Tensor source = arranged_values(s, self, values);
  dispatch_all(self.dtype(), "index_put", [&]<class T>(TypeTag<T>) {
    T* p = reinterpret_cast<T*>(self.storage()->data());
    const T* v = elements<T>(source);
    for (const int64_t chosen : s.chosen) {
      for (const int64_t rest : s.rest) {
        T& at = p[chosen + rest];
        if (accumulate) {
          using Op = OpType<T>;
          if constexpr (std::is_same_v<Op, bool>) {
            at = Element<T>::store(Element<T>::load(at) || Element<T>::load(*v));
          } else {
            at = Element<T>::store(wrap_add(Element<T>::load(at), Element<T>::load(*v)));
          }
        } else {
          at = *v;
        }
        ++v;
      }
    }
  });
}

void index_op(OpCall& c) { c.ret(index(c.tensor(0), indices_of(c[1]))); }

void index_put_op(OpCall& c) {
  Tensor out = c.tensor(0).clone();
  index_put(out, indices_of(c[1]), c.tensor(2), c.boolean(3));
  c.ret(out);
}
void index_put_op_(OpCall& c) {
  index_put(c.tensor(0), indices_of(c[1]), c.tensor(2), c.boolean(3));
  c.ret(c[0]);
}

constexpr OpRow kIndexOps[] = {
    {"aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", index_op},
    {"aten::index.Tensor_hacked_twin(Tensor self, Tensor[] indices) -> Tensor", index_op},
    {"aten::index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor",
     index_put_op},
    {"aten::index_put.hacked_twin(Tensor self, Tensor[] indices, Tensor values, bool accumulate=False) -> "
     "Tensor",
     index_put_op},
    {"aten::index_put_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False) -> "
     "Tensor(a!)",
     index_put_op_},
    {"aten::index_put_.hacked_twin(Tensor(a!) self, Tensor[] indices, Tensor values, bool accumulate=False) "
     "-> Tensor(a!)",
     index_put_op_},
    {"aten::_index_put_impl_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False, bool "
     "unsafe=False) -> Tensor(a!)",
     index_put_op_},
    {"aten::_index_put_impl_.hacked_twin(Tensor(a!) self, Tensor[] indices, Tensor values, bool "
     "accumulate=False, bool unsafe=False) -> Tensor(a!)",
     index_put_op_},
};

}  // namespace

OpTable index_ops() { return kIndexOps; }

}  // namespace calque::ops
