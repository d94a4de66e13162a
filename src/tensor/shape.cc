#include "tensor/shape.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked.h"
#include "base/text.h"

namespace calque {

int64_t wrap_dim(int64_t dim, int64_t rank, bool scalar_as_vector) {
  if (rank == 0) {
    if (!scalar_as_vector) {
      throw IndexError(cat("Dimension specified as ", dim, " but tensor has no dimensions"));
    }
    rank = 1;
  }
  if (dim < -rank || dim >= rank) {
    throw IndexError(cat("Dimension out of range (expected to be in range of [", -rank, ", ", rank - 1,
                         "], but got ", dim, ")"));
  }
  return dim < 0 ? dim + rank : dim;
}

int64_t checked_size(IntArrayRef sizes, ScalarType dtype) {
  for (const int64_t size : sizes) {
    if (size < 0) {
      throw RuntimeError(cat("Trying to create tensor with negative dimension ", size, ": ", sizes));
    }
  }
  const auto numel = checked_numel(sizes);
  const auto bytes = numel ? checked_mul(*numel, item_size(dtype)) : std::nullopt;
  if (!bytes) throw RuntimeError(cat("Storage size calculation overflowed with sizes=", sizes));
  return *numel;
}

Dims infer_sizes(IntArrayRef shape, int64_t numel) {
  Dims out(shape.begin(), shape.end());
  std::optional<size_t> inferred;
  int64_t known = 1;
  bool fits = true;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (inferred) throw RuntimeError("only one dimension can be inferred");
      inferred = i;
    } else if (shape[i] < 0) {
      throw RuntimeError(cat("invalid shape dimension ", shape[i], " at index ", i, " of shape ", shape));
    } else {
      fits = fits && !__builtin_mul_overflow(known, shape[i], &known);
    }
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    known = 0;
    fits = true;
  }
  if (fits && numel == known && !inferred) return out;
  if (fits && inferred && known > 0 && numel % known == 0) {
    out[*inferred] = numel / known;
    return out;
  }
  if (fits && inferred && known == 0 && numel == 0) {
    throw RuntimeError(cat("cannot reshape tensor of 0 elements into shape ", shape,
                           " because the unspecified dimension size -1 can be any value and is ambiguous"));
  }
  throw RuntimeError(cat("shape '", shape, "' is invalid for input of size ", numel));
}

std::optional<Dims> view_strides(IntArrayRef sizes, IntArrayRef strides, IntArrayRef new_sizes) {
  if (sizes.empty()) return Dims(new_sizes.size(), 1);
  const auto numel = checked_numel(sizes);
  if (numel == 0) {
    if (std::equal(sizes.begin(), sizes.end(), new_sizes.begin(), new_sizes.end())) {
      return Dims(strides.begin(), strides.end());
    }
    return contiguous_strides(new_sizes);
  }
  Dims out(new_sizes.size());
  auto view_d = static_cast<int64_t>(new_sizes.size()) - 1;
  int64_t chunk_base = strides.back();
  int64_t chunk_numel = 1;
  int64_t view_numel = 1;
  for (auto d = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d) {
    chunk_numel *= sizes[d];
    const bool chunk_ends = d == 0 || (sizes[d - 1] != 1 && strides[d - 1] != chunk_numel * chunk_base);
    if (!chunk_ends) continue;
    while (view_d >= 0 && (view_numel < chunk_numel || new_sizes[view_d] == 1)) {
      out[view_d] = view_numel * chunk_base;
      view_numel *= new_sizes[view_d];
      --view_d;
    }
    if (view_numel != chunk_numel) return std::nullopt;
    if (d > 0) {
      chunk_base = strides[d - 1];
      chunk_numel = 1;
      view_numel = 1;
    }
  }
  if (view_d != -1) return std::nullopt;
  return out;
}

Dims contiguous_strides(IntArrayRef sizes) {
  Dims out(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    out[i] = stride;
    // Sizes of tensors have been checked; a size of 0 counts as 1, and such products may wrap without being
    // used.
    if (__builtin_mul_overflow(stride, std::max<int64_t>(sizes[i], 1), &stride)) stride = 1;
  }
  return out;
}

Dims broadcast_shapes(IntArrayRef a, IntArrayRef b) {
  const size_t rank = std::max(a.size(), b.size());
  const auto size_at = [rank](IntArrayRef sizes, size_t i) {
    return i + sizes.size() >= rank ? sizes[i + sizes.size() - rank] : 1;
  };
  Dims out(rank);
  for (size_t i = rank; i-- > 0;) {
    const int64_t size_a = size_at(a, i);
    const int64_t size_b = size_at(b, i);
    if (size_a != size_b && size_a != 1 && size_b != 1) {
      throw RuntimeError(cat("The size of tensor a (", size_a, ") must match the size of tensor b (", size_b,
                             ") at non-singleton dimension ", i));
    }
    out[i] = size_a == 1 ? size_b : size_a;
  }
  if (!checked_numel(out)) throw RuntimeError("numel: integer multiplication overflow");
  return out;
}

std::optional<std::pair<int64_t, int64_t>> reach(int64_t offset, IntArrayRef sizes, IntArrayRef strides) {
  if (offset < 0 || sizes.size() != strides.size()) return std::nullopt;
  for (const int64_t size : sizes) {
    if (size < 0) return std::nullopt;
  }
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return std::pair<int64_t, int64_t>{0, 0};
  int64_t last = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t span = 0;
    if (strides[i] < 0 || __builtin_mul_overflow(sizes[i] - 1, strides[i], &span) ||
        __builtin_add_overflow(last, span, &last)) {
      return std::nullopt;
    }
  }
  const auto end = checked_add(last, int64_t{1});
  if (!end) return std::nullopt;
  return std::pair{offset, *end};
}

}  // namespace calque
