// Operators that rearrange or repeat elements.
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "ops/join.h"
#include "ops/rows.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// Rolls by `shift` along a wrapped dimension.
Tensor roll_one(const Tensor& x, int64_t shift, int64_t d) {
  const int64_t size = x.sizes()[d];
  if (size == 0) return x.clone();
  int64_t first = (-shift) % size;
  if (shift == std::numeric_limits<int64_t>::min()) first = (size - (shift % size + size) % size) % size;
  if (first < 0) first += size;
  const std::vector<Tensor> halves = {x.slice(d, first, size), x.slice(d, 0, first)};
  return concatenate(halves, d);
}

Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims) {
  if (shifts.empty()) throw RuntimeError("`shifts` required");
  if (dims.empty() && shifts.size() == 1) {
    return x.numel() == 0 ? x.clone() : roll_one(x.contiguous().view(Dims{-1}), shifts[0], 0).view(x.sizes());
  }
  if (shifts.size() != dims.size()) {
    throw RuntimeError(
        cat("shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size()));
  }
  Tensor out = x;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t d = wrap_dim(dims[i], x.dim(), /*scalar_as_vector=*/false);
    out = roll_one(out, shifts[i], d);
  }
  return out;
}
void roll_op(OpCall& c) { c.ret(roll(c.tensor(0), c.ints(1), c.ints(2))); }

Tensor flip(const Tensor& x, const Dims& dims) {
  const std::vector<bool> mask = dims.empty() ? std::vector<bool>(x.sizes().size()) : dim_mask(dims, x.dim());
  Tensor out = x.clone();
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (!mask[d] || x.sizes()[d] < 2) continue;
    const Tensor source = out.clone();
    for (int64_t i = 0; i < x.sizes()[d]; ++i) out.select(d, i).copy_(source.select(d, x.sizes()[d] - 1 - i));
  }
  return out;
}
void flip_op(OpCall& c) { c.ret(flip(c.tensor(0), c.ints(1))); }
void fliplr(OpCall& c) {
  if (c.tensor(0).dim() < 2) throw RuntimeError("Input must be >= 2-d.");
  c.ret(flip(c.tensor(0), {1}));
}
void flipud(OpCall& c) {
  if (c.tensor(0).dim() < 1) throw RuntimeError("Input must be >= 1-d.");
  c.ret(flip(c.tensor(0), {0}));
}

void rot90(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Dims dims = c.ints(2);
  if (dims.size() != 2)
    throw RuntimeError(cat("expected total rotation dims == 2, but got dims = ", dims.size()));
  if (x.dim() < 2) throw RuntimeError(cat("expected total dims >= 2, but got total dims = ", x.dim()));
  const int64_t a = wrap_dim(dims[0], x.dim());
  const int64_t b = wrap_dim(dims[1], x.dim());
  if (a == b) {
    throw RuntimeError(
        cat("expected rotation dims to be different, but got dim0 = ", dims[0], " and dim1 = ", dims[1]));
  }
  switch ((c.integer(1) % 4 + 4) % 4) {
    case 1:
      return c.ret(flip(x, {b}).transpose(a, b));
    case 2:
      return c.ret(flip(x, {a, b}));
    case 3:
      return c.ret(flip(x, {a}).transpose(a, b));
    default:
      return c.ret(x.clone());
  }
}

Tensor repeat(const Tensor& x, const Dims& repeats) {
  if (static_cast<int64_t>(repeats.size()) < x.dim()) {
    throw RuntimeError(
        "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  }
  const size_t lead = repeats.size() - x.sizes().size();
  Dims sizes;
  Dims split;      // [repeat, size] for each dimension
  Dims with_ones;  // [1, size]
  for (size_t i = 0; i < repeats.size(); ++i) {
    const int64_t size = i < lead ? 1 : x.sizes()[i - lead];
    int64_t repeated = 0;
    if (__builtin_mul_overflow(size, repeats[i], &repeated)) {
      throw RuntimeError("numel: integer multiplication overflow");
    }
    sizes.push_back(repeated);
    split.insert(split.end(), {repeats[i], size});
    with_ones.insert(with_ones.end(), {1, size});
  }
  Tensor out = empty(sizes, x.dtype());
  if (out.numel() > 0) out.view(split).copy_(x.reshape(with_ones));
  return out;
}
void repeat_op(OpCall& c) { c.ret(repeat(c.tensor(0), c.ints(1))); }
void tile(OpCall& c) {
  Dims repeats = c.ints(1);
  const Tensor x = c.tensor(0);
  while (static_cast<int64_t>(repeats.size()) < x.dim()) repeats.insert(repeats.begin(), 1);
  c.ret(repeat(x, repeats));
}

// --- repeat_interleave

/// How often each position is repeated -> the positions, one after the other.
std::vector<int64_t> repeated_positions(const Tensor& repeats, const std::optional<int64_t>& output_size) {
  if (repeats.dtype() != kInt && repeats.dtype() != kLong) {
    throw_not_implemented("repeat_interleave_cpu", repeats.dtype());
  }
  const Tensor counts = repeats.to(kLong).contiguous();
  const auto* count = elements<int64_t>(counts);
  int64_t total = 0;
  for (int64_t i = 0; i < counts.numel(); ++i) {
    if (count[i] < 0) throw RuntimeError("repeats can not be negative");
    if (__builtin_add_overflow(total, count[i], &total))
      throw RuntimeError("numel: integer multiplication overflow");
  }
  if (output_size && *output_size != total) throw RuntimeError("allocated size does not match required size");
  // Charged to the budget of the run before the vector is made.
  empty(Dims{total}, kLong);
  std::vector<int64_t> positions;
  positions.reserve(total);
  for (int64_t i = 0; i < counts.numel(); ++i) positions.insert(positions.end(), count[i], i);
  return positions;
}

Tensor take_positions(const Tensor& x, int64_t d, const std::vector<int64_t>& positions) {
  const Tensor in = x.contiguous();
  Dims sizes = to_dims(x.sizes());
  sizes[d] = static_cast<int64_t>(positions.size());
  Tensor out = empty(sizes, x.dtype());
  const int64_t inner = product(x.sizes().subspan(d + 1));
  const int64_t outer = product(x.sizes().first(static_cast<size_t>(d)));
  const int64_t length = x.sizes()[d];
  dispatch_width(x.dtype(), [&]<class T>(TypeTag<T>) {
    T* r = elements<T>(out);
    for (int64_t o = 0; o < outer; ++o) {
      for (const int64_t position : positions) {
        r = std::copy_n(elements<T>(in) + (o * length + position) * inner, inner, r);
      }
    }
  });
  return out;
}

Tensor repeat_interleave(Tensor x, Tensor repeats, std::optional<int64_t> dim,
                         std::optional<int64_t> output_size) {
  if (!dim) x = x.contiguous().view(Dims{-1});
  const int64_t d = wrap_dim(dim.value_or(0), x.dim(), /*scalar_as_vector=*/false);
  if (repeats.dim() > 1) throw RuntimeError("repeats must be 0-dim or 1-dim tensor");
  if (repeats.numel() == 1) {
    repeats = repeats.reshape(Dims{1}).expand(Dims{x.sizes()[d]});
  } else if (repeats.numel() != x.sizes()[d]) {
    throw RuntimeError(cat("repeats must have the same size as input along dim, but got repeats.size(0) = ",
                           repeats.numel(), " and input.size(", d, ") = ", x.sizes()[d]));
  }
  return take_positions(x, d, repeated_positions(repeats, output_size));
}

void repeat_interleave_tensor(OpCall& c) {
  c.ret(repeat_interleave(c.tensor(0), c.tensor(1), c.optional_int(2), c.optional_int(3)));
}
void repeat_interleave_int(OpCall& c) {
  if (c.integer(1) < 0) throw RuntimeError("Repeats must be non-negative");
  c.ret(repeat_interleave(c.tensor(0), full(Dims{1}, Scalar(c.integer(1)), kLong), c.optional_int(2),
                          c.optional_int(3)));
}
void repeat_interleave_counts(OpCall& c) {
  if (c.tensor(0).dim() != 1) throw RuntimeError("repeat_interleave only accept 1D vector as repeat");
  c.ret(tensor(repeated_positions(c.tensor(0), c.optional_int(1))).to(c.tensor(0).dtype()));
}

// --- diagonals

/// A matrix (or batch of matrices) with x's last dimension on a diagonal.
Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rank = x.dim() + 1;
  const int64_t a = wrap_dim(dim1, rank);
  const int64_t b = wrap_dim(dim2, rank);
  if (a == b) throw RuntimeError(cat("diagonal dimensions cannot be identical ", dim1, ", ", dim2));
  if (offset > (int64_t{1} << 40) || offset < -(int64_t{1} << 40)) {
    throw RuntimeError(cat("diag_embed: the offset ", offset, " is too large"));
  }
  const int64_t length = x.size(-1);
  const int64_t side = length + std::abs(offset);
  Dims sizes = to_dims(x.sizes());
  sizes.pop_back();
  sizes.insert(sizes.begin() + std::min(a, b), side);
  sizes.insert(sizes.begin() + std::max(a, b), side);
  Tensor out = zeros(sizes, x.dtype());
  const Dims strides = to_dims(out.strides());
  Dims view_sizes;
  Dims view_strides;
  for (int64_t d = 0; d < rank; ++d) {
    if (d == a || d == b) continue;
    view_sizes.push_back(sizes[d]);
    view_strides.push_back(strides[d]);
  }
  view_sizes.push_back(length);
  view_strides.push_back(strides[a] + strides[b]);
  if (x.numel() == 0) return out;
  const int64_t at = offset >= 0 ? offset * strides[b] : -offset * strides[a];
  make_view(out, view_sizes, view_strides, at).copy_(x);
  return out;
}
void diag_embed_op(OpCall& c) { c.ret(diag_embed(c.tensor(0), c.integer(1), c.integer(2), c.integer(3))); }
void diagflat(OpCall& c) { c.ret(diag_embed(c.tensor(0).contiguous().view(Dims{-1}), c.integer(1), 0, 1)); }

void diag(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dim() == 1) return c.ret(diag_embed(x, c.integer(1), 0, 1));
  if (x.dim() != 2) throw RuntimeError(cat("diag(): Supports 1D or 2D tensors. Got ", x.dim(), "D"));
  const int64_t offset = c.integer(1);
  const int64_t rows = x.sizes()[0];
  const int64_t columns = x.sizes()[1];
  const int64_t first_row = offset < 0 ? (offset < -rows ? rows : -offset) : 0;
  const int64_t first_column = offset > 0 ? std::min(offset, columns) : 0;
  const int64_t length = std::min(rows - first_row, columns - first_column);
  Tensor out = empty({length}, x.dtype());
  if (length > 0) {
    const int64_t at = x.storage_offset() + first_row * x.strides()[0] + first_column * x.strides()[1];
    out.copy_(make_view(x, {length}, {x.strides()[0] + x.strides()[1]}, at));
  }
  c.ret(out);
}

constexpr OpRow kShapeOps[] = {
    {"aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor", roll_op},
    {"aten::flip(Tensor self, int[] dims) -> Tensor", flip_op},
    {"aten::fliplr(Tensor self) -> Tensor", fliplr},
    {"aten::flipud(Tensor self) -> Tensor", flipud},
    {"aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor", rot90},
    {"aten::repeat(Tensor self, SymInt[] repeats) -> Tensor", repeat_op},
    {"aten::tile(Tensor self, SymInt[] dims) -> Tensor", tile},
    {"aten::repeat_interleave.Tensor(Tensor repeats, *, SymInt? output_size=None) -> Tensor",
     repeat_interleave_counts},
    {"aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, SymInt? "
     "output_size=None) -> Tensor",
     repeat_interleave_tensor},
    {"aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? "
     "output_size=None) -> Tensor",
     repeat_interleave_int},
    {"aten::diag(Tensor self, int diagonal=0) -> Tensor", diag},
    {"aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", diag_embed_op},
    {"aten::diagflat(Tensor self, int offset=0) -> Tensor", diagflat},
};

}  // namespace

OpTable shape_ops() { return kShapeOps; }

}  // namespace calque::ops
