// Memory order: which layout a new tensor gets, which views overlap.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/check.h"
#include "base/checked.h"
#include "calque/error.h"
#include "tensor/shape.h"

namespace calque {

namespace {

/// +1: dimension `b` is to be inside of `a` in memory; -1: outside; 0: no operand decides.
int compare_dims(int64_t a, int64_t b, IntArrayRef sizes, std::span<const Dims> strides) {
  for (const Dims& s : strides) {
    if (s[a] == 0 || s[b] == 0) continue;
    if (s[a] != s[b]) return s[a] < s[b] ? -1 : 1;
    if (sizes[a] > sizes[b]) return 1;
  }
  return 0;
}

/// Dimensions from the fastest-moving one outwards; stable where the operands leave the order open.
Dims memory_order(IntArrayRef sizes, std::span<const Dims> strides) {
  const auto rank = static_cast<int64_t>(sizes.size());
  Dims order(sizes.size());
  for (int64_t i = 0; i < rank; ++i) order[i] = rank - 1 - i;
  for (int64_t i = 1; i < rank; ++i) {
    int64_t moving = i;
    for (int64_t j = i - 1; j >= 0; --j) {
      const int comparison = compare_dims(order[j], order[moving], sizes, strides);
      if (comparison < 0) break;
      if (comparison == 0) continue;
      std::swap(order[j], order[moving]);
      moving = j;
    }
  }
  return order;
}

Dims dense_strides(IntArrayRef sizes, IntArrayRef order) {
  Dims out(sizes.size());
  int64_t stride = 1;
  for (const int64_t d : order) {
    out[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  }
  return out;
}

Dims dense_strides_like(IntArrayRef sizes, std::span<const Dims> strides) {
  return dense_strides(sizes, memory_order(sizes, strides));
}

enum class Overlap { kNo, kFull, kPartial, kUnknown };

Overlap overlap_status(const Tensor& a, const Tensor& b) {
  if (a.impl() == b.impl()) return Overlap::kFull;
  if (a.numel() == 0 || b.numel() == 0) return Overlap::kNo;
  if (!is_dense(a.sizes(), a.strides()) || !is_dense(b.sizes(), b.strides())) return Overlap::kUnknown;
  if (!(a.storage() == b.storage())) return Overlap::kNo;
  const int64_t a_begin = a.storage_offset() * a.itemsize();
  const int64_t b_begin = b.storage_offset() * b.itemsize();
  const int64_t a_end = a_begin + a.nbytes();
  const int64_t b_end = b_begin + b.nbytes();
  if (a_begin == b_begin && a_end == b_end) {
    return std::ranges::equal(a.strides(), b.strides()) ? Overlap::kFull : Overlap::kPartial;
  }
  return a_begin < b_end && b_begin < a_end ? Overlap::kPartial : Overlap::kNo;
}

}  // namespace

bool is_contiguous(IntArrayRef sizes, IntArrayRef strides) {
  int64_t expected = 1;
  bool contiguous = true;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 0) return true;
    if (sizes[i] == 1) continue;
    contiguous = contiguous && strides[i] == expected;
    expected *= sizes[i];
  }
  return contiguous;
}

bool is_dense(IntArrayRef sizes, IntArrayRef strides) {
  if (sizes.size() == 1) return sizes[0] < 2 || strides[0] == 1;
  Dims order(sizes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](int64_t a, int64_t b) {
    const bool small_a = sizes[a] < 2;
    const bool small_b = sizes[b] < 2;
    return std::tie(small_a, strides[a], a) < std::tie(small_b, strides[b], b);
  });
  int64_t expected = 1;
  for (const int64_t d : order) {
    if (sizes[d] < 2) return true;
    if (strides[d] != expected) return false;
    expected *= sizes[d];
  }
  return true;
}

Dims broadcast_strides(const Tensor& t, IntArrayRef sizes) {
  Dims out(sizes.size(), 0);
  const size_t lead = sizes.size() - t.sizes().size();
  for (size_t i = 0; i < t.sizes().size(); ++i) {
    const bool expanded = t.sizes()[i] == 1 && sizes[lead + i] != 1;
    out[lead + i] = expanded ? 0 : t.strides()[i];
  }
  return out;
}

Dims elementwise_strides(IntArrayRef sizes, std::span<const Tensor> operands) {
  const auto same_shape = [&](const Tensor& t) { return std::ranges::equal(t.sizes(), sizes); };
  const bool all_contiguous =
      std::ranges::all_of(operands, [&](const Tensor& t) { return same_shape(t) && t.is_contiguous(); });
  if (all_contiguous || operands.empty()) return contiguous_strides(sizes);
  const IntArrayRef first = operands[0].strides();
  const bool all_alike = std::ranges::all_of(operands, [&](const Tensor& t) {
    return same_shape(t) && is_dense(t.sizes(), t.strides()) && std::ranges::equal(t.strides(), first);
  });
  if (all_alike) return {first.begin(), first.end()};
  std::vector<Dims> strides;
  for (const Tensor& t : operands) {
    strides.push_back(broadcast_strides(t, sizes));
    for (int64_t& stride : strides.back()) stride *= t.itemsize();
  }
  return dense_strides_like(sizes, strides);
}

Tensor make_view(const Tensor& base, Dims sizes, Dims strides, int64_t offset) {
  const Ref<Quantization>& quantization = base.impl()->quantization;
  if (quantization && quantization->axis >= 0)
    throw RuntimeError("Setting strides is possible only on uniformly quantized tensor");
  const auto range = reach(offset, sizes, strides);
  const int64_t room = base.storage()->nbytes() / base.itemsize();
  check(range && range->second <= room && checked_numel(sizes).has_value(), "a view leaves its storage");
  auto impl = make_ref<TensorImpl>();
  impl->storage = base.storage();
  impl->offset = offset;
  impl->sizes = std::move(sizes);
  impl->strides = std::move(strides);
  impl->dtype = base.dtype();
  impl->quantization = quantization;
  return Tensor(std::move(impl));
}

Tensor empty_strided(IntArrayRef sizes, IntArrayRef strides, ScalarType dtype) {
  auto impl = make_ref<TensorImpl>();
  impl->storage = Storage::allocate(checked_size(sizes, dtype) * item_size(dtype));
  impl->sizes.assign(sizes.begin(), sizes.end());
  impl->strides.assign(strides.begin(), strides.end());
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

Tensor empty_like(const Tensor& t, ScalarType dtype) {
  if (t.is_contiguous()) return empty_strided(t.sizes(), contiguous_strides(t.sizes()), dtype);
  if (is_dense(t.sizes(), t.strides())) return empty_strided(t.sizes(), t.strides(), dtype);
  const Dims strides(t.strides().begin(), t.strides().end());
  return empty_strided(t.sizes(), dense_strides_like(t.sizes(), std::span(&strides, 1)), dtype);
}

void check_no_internal_overlap(const Tensor& written) {
  if (written.is_contiguous()) return;
  for (int64_t d = 0; d < written.dim(); ++d) {
    if (written.strides()[d] == 0 && written.sizes()[d] > 1) {
      throw RuntimeError(
          "unsupported operation: more than one element of the written-to tensor refers to a single memory "
          "location. "
          "Please clone() the tensor before performing the operation.");
    }
  }
}

void check_no_partial_overlap(const Tensor& written, const Tensor& read) {
  if (overlap_status(written, read) != Overlap::kPartial) return;
  throw RuntimeError(
      "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
      "memory "
      "location. Please clone() the tensor before performing the operation.");
}

bool may_overlap(const Tensor& a, const Tensor& b) {
  if (!(a.storage() == b.storage())) return false;
  const auto range_a = reach(a.storage_offset(), a.sizes(), a.strides());
  const auto range_b = reach(b.storage_offset(), b.sizes(), b.strides());
  if (!range_a || !range_b) return true;
  return range_a->first * a.itemsize() < range_b->second * b.itemsize() &&
         range_b->first * b.itemsize() < range_a->second * a.itemsize();
}

}  // namespace calque
