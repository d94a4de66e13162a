// Operators that give a view.
#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

void view(OpCall& c) { c.ret(c.tensor(0).view(c.ints(1))); }
void reshape(OpCall& c) { c.ret(c.tensor(0).reshape(c.ints(1))); }
void view_as(OpCall& c) { c.ret(c.tensor(0).view(c.tensor(1).sizes())); }
void reshape_as(OpCall& c) { c.ret(c.tensor(0).reshape(c.tensor(1).sizes())); }
void expand(OpCall& c) { c.ret(c.tensor(0).expand(c.ints(1))); }
void expand_as(OpCall& c) { c.ret(c.tensor(0).expand(c.tensor(1).sizes())); }
void permute(OpCall& c) { c.ret(c.tensor(0).permute(c.ints(1))); }
void transpose(OpCall& c) { c.ret(c.tensor(0).transpose(c.integer(1), c.integer(2))); }
void unsqueeze(OpCall& c) { c.ret(c.tensor(0).unsqueeze(c.integer(1))); }
void squeeze_dim(OpCall& c) { c.ret(c.tensor(0).squeeze(c.integer(1))); }
void select(OpCall& c) { c.ret(c.tensor(0).select(c.integer(1), c.integer(2))); }
void slice(OpCall& c) {
  c.ret(c.tensor(0).slice(c.integer(1), c.optional_int(2), c.optional_int(3), c.integer(4)));
}

Tensor squeeze_where(const Tensor& x, const std::vector<bool>& chosen) {
  Dims sizes;
  Dims strides;
  for (size_t d = 0; d < x.sizes().size(); ++d) {
    if (chosen[d] && x.sizes()[d] == 1) continue;
    sizes.push_back(x.sizes()[d]);
    strides.push_back(x.strides()[d]);
  }
  return make_view(x, std::move(sizes), std::move(strides), x.storage_offset());
}

Tensor squeeze(const Tensor& x) { return squeeze_where(x, std::vector<bool>(x.sizes().size(), true)); }

Tensor squeeze_dims(const Tensor& x, const Dims& dims) {
  if (dims.empty()) return squeeze_where(x, std::vector<bool>(x.sizes().size(), false));
  return squeeze_where(x, dim_mask(dims, x.dim()));
}
void squeeze_dims_op(OpCall& c) { c.ret(squeeze_dims(c.tensor(0), c.ints(1))); }

Tensor t(const Tensor& x) {
  if (x.dim() > 2)
    throw RuntimeError(cat("t() expects a tensor with <= 2 dimensions, but self is ", x.dim(), "D"));
  return x.transpose(0, x.dim() < 2 ? 0 : 1);
}

Tensor reversed_dims(const Tensor& x) {
  Dims dims(x.sizes().size());
  std::iota(dims.rbegin(), dims.rend(), 0);
  return x.permute(dims);
}

Tensor matrix_t(const Tensor& x) {
  if (x.dim() < 2) {
    throw RuntimeError(
        cat("tensor.mT is only supported on matrices or batches of matrices. Got ", x.dim(), "-D tensor."));
  }
  return x.transpose(-2, -1);
}

/// Makes the tensor object itself another view, as in-place view operators do.
void become(const Tensor& self, const Tensor& other) {
  self.impl()->sizes = other.impl()->sizes;
  self.impl()->strides = other.impl()->strides;
  self.impl()->offset = other.impl()->offset;
}
void transpose_(OpCall& c) {
  become(c.tensor(0), c.tensor(0).transpose(c.integer(1), c.integer(2)));
  c.ret(c[0]);
}
void t_(OpCall& c) {
  become(c.tensor(0), t(c.tensor(0)));
  c.ret(c[0]);
}
void unsqueeze_(OpCall& c) {
  become(c.tensor(0), c.tensor(0).unsqueeze(c.integer(1)));
  c.ret(c[0]);
}
void squeeze_(OpCall& c) {
  become(c.tensor(0), squeeze(c.tensor(0)));
  c.ret(c[0]);
}
void squeeze_dim_(OpCall& c) {
  become(c.tensor(0), c.tensor(0).squeeze(c.integer(1)));
  c.ret(c[0]);
}
void squeeze_dims_(OpCall& c) {
  become(c.tensor(0), squeeze_dims(c.tensor(0), c.ints(1)));
  c.ret(c[0]);
}

Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination) {
  if (source.size() != destination.size()) {
    throw RuntimeError(cat("movedim: Invalid source or destination dims: source (", IntArrayRef(source),
                           " dims) should contain the same number of dims as destination (",
                           IntArrayRef(destination), " dims)"));
  }
  const auto rank = static_cast<size_t>(x.dim());
  Dims order(rank, -1);
  std::vector<bool> moved(rank);
  for (size_t i = 0; i < source.size(); ++i) {
    const int64_t from = wrap_dim(source[i], x.dim());
    const int64_t to = wrap_dim(destination[i], x.dim());
    if (rank == 0) return x;
    if (moved[from]) throw RuntimeError(cat("movedim: repeated dim in `source` (", IntArrayRef(source), ")"));
    if (order[to] != -1) {
      throw RuntimeError(cat("movedim: repeated dim in `destination` (", IntArrayRef(destination), ")"));
    }
    moved[from] = true;
    order[to] = from;
  }
  size_t next = 0;
  for (int64_t& d : order) {
    if (d != -1) continue;
    while (moved[next]) ++next;
    d = static_cast<int64_t>(next++);
  }
  return x.permute(order);
}
void movedim_ints(OpCall& c) { c.ret(movedim(c.tensor(0), c.ints(1), c.ints(2))); }
void movedim_int(OpCall& c) { c.ret(movedim(c.tensor(0), {c.integer(1)}, {c.integer(2)})); }

Tensor flatten(const Tensor& x, int64_t start, int64_t end) {
  const int64_t first = wrap_dim(start, x.dim());
  const int64_t last = wrap_dim(end, x.dim());
  if (first > last) throw RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim");
  if (x.dim() == 0) return x.reshape(Dims{1});
  if (first == last) return x;
  Dims shape(x.sizes().begin(), x.sizes().begin() + first);
  shape.push_back(product(x.sizes().subspan(first, last - first + 1)));
  shape.insert(shape.end(), x.sizes().begin() + last + 1, x.sizes().end());
  return x.reshape(shape);
}
void flatten_op(OpCall& c) { c.ret(flatten(c.tensor(0), c.integer(1), c.integer(2))); }
void ravel(OpCall& c) { c.ret(c.tensor(0).contiguous().view(Dims{-1})); }

void unflatten(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t d = wrap_dim(c.integer(1), x.dim());
  const Dims sizes = c.ints(2);
  if (sizes.empty()) throw RuntimeError("unflatten: sizes must be non-empty");
  Dims inferred;
  try {
    inferred = infer_sizes(sizes, x.size(d));
  } catch (const RuntimeError&) {
    throw RuntimeError(cat("unflatten: Provided sizes ", IntArrayRef(sizes),
                           " don't multiply up to the size of dim ", d, " (", x.size(d),
                           ") in the input tensor"));
  }
  Dims shape = to_dims(x.sizes());
  shape.erase(shape.begin() + d);
  shape.insert(shape.begin() + d, inferred.begin(), inferred.end());
  c.ret(x.view(shape));
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  if (x.dim() == 0) throw RuntimeError("narrow() cannot be applied to a 0-dim tensor.");
  if (length < 0) throw RuntimeError("narrow(): length must be non-negative.");
  const int64_t size = x.size(dim);
  if (start < -size || start > size) {
    throw IndexError(cat("start out of range (expected to be in range of [", -size, ", ", size, "], but got ",
                         start, ")"));
  }
  if (start < 0) start += size;
  if (length > size - start) {
    throw RuntimeError(
        cat("start (", start, ") + length (", length, ") exceeds dimension size (", size, ")."));
  }
  return x.slice(dim, start, start + length);
}
void narrow_op(OpCall& c) { c.ret(narrow(c.tensor(0), c.integer(1), c.integer(2), c.integer(3))); }
void narrow_tensor(OpCall& c) {
  const Tensor start = c.tensor(2);
  if (start.dim() != 0 || !is_integral(start.dtype()))
    throw RuntimeError("start must be an 0-dim integral Tensor.");
  c.ret(narrow(c.tensor(0), c.integer(1), start.item().to_int(), c.integer(3)));
}

// --- lists of views

using Parts = std::vector<Tensor>;

Parts split(const Tensor& x, int64_t size, int64_t dim) {
  if (x.dim() == 0) throw RuntimeError("split expects at least a 1-dimensional tensor");
  if (size < 0) {
    throw RuntimeError(cat("split expects split_size be non-negative, but got split_size=", size));
  }
  const int64_t length = x.size(dim);
  if (size == 0 && length != 0) {
    throw RuntimeError(
        cat("split_size can only be 0 if dimension size is 0, but got dimension size of ", length));
  }
  Parts parts;
  if (length == 0) parts.push_back(x.slice(dim, 0, 0));
  for (int64_t at = 0; at < length; at += std::min(size, length - at)) {
    parts.push_back(x.slice(dim, at, at + std::min(size, length - at)));
  }
  return parts;
}

Parts split_sizes(const Tensor& x, const Dims& sizes, int64_t dim) {
  if (x.dim() == 0) throw RuntimeError("split expects at least a 1-dimensional tensor");
  const int64_t length = x.size(dim);
  Parts parts;
  int64_t at = 0;
  for (const int64_t size : sizes) {
    if (size < 0) {
      throw RuntimeError(
          cat("split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=",
              IntArrayRef(sizes)));
    }
    if (__builtin_add_overflow(at, size, &at) || at > length) break;
    parts.push_back(x.slice(dim, at - size, at));
  }
  if (at != length || parts.size() != sizes.size()) {
    throw RuntimeError(cat("split_with_sizes expects split_sizes to sum exactly to ", length,
                           " (input tensor's size at dimension ", dim,
                           "), but got split_sizes=", IntArrayRef(sizes)));
  }
  return parts;
}

Parts chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  if (x.dim() == 0) throw RuntimeError("chunk expects at least a 1-dimensional tensor");
  if (chunks <= 0) throw RuntimeError(cat("chunk expects `chunks` to be greater than 0, got: ", chunks));
  const int64_t length = x.size(dim);
  if (length == 0) {
    if (chunks > 1'000'000) throw RuntimeError(cat("chunk: ", chunks, " empty chunks were asked for"));
    return split_sizes(x, Dims(chunks, 0), dim);
  }
  return split(x, length / chunks + (length % chunks != 0 ? 1 : 0), dim);
}

void split_op(OpCall& c) { c.ret(split(c.tensor(0), c.integer(1), c.integer(2))); }
void split_sizes_op(OpCall& c) { c.ret(split_sizes(c.tensor(0), c.ints(1), c.integer(2))); }
void chunk_op(OpCall& c) { c.ret(chunk(c.tensor(0), c.integer(1), c.integer(2))); }

void tensor_split_sections(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t sections = c.integer(1);
  if (x.dim() == 0)
    throw RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  if (sections <= 0) throw RuntimeError(cat("number of sections must be larger than 0, got ", sections));
  if (sections > 1'000'000) throw RuntimeError(cat("tensor_split: ", sections, " sections were asked for"));
  const int64_t length = x.size(c.integer(2));
  Parts parts;
  int64_t at = 0;
  for (int64_t i = 0; i < sections; ++i) {
    const int64_t size = length / sections + (i < length % sections ? 1 : 0);
    parts.push_back(x.slice(c.integer(2), at, at + size));
    at += size;
  }
  c.ret(parts);
}

void tensor_split_indices(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dim() == 0)
    throw RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  Parts parts;
  int64_t at = 0;
  for (const int64_t index : c.ints(1)) {
    parts.push_back(x.slice(c.integer(2), at, index));
    at = index;
  }
  parts.push_back(x.slice(c.integer(2), at, x.size(c.integer(2))));
  c.ret(parts);
}

void unbind(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t d = wrap_dim(c.integer(1), x.dim(), /*scalar_as_vector=*/false);
  Parts parts;
  parts.reserve(x.sizes()[d]);
  for (int64_t i = 0; i < x.sizes()[d]; ++i) parts.push_back(x.select(d, i));
  c.ret(parts);
}

// --- views with strides of their own

void unfold(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t d = wrap_dim(c.integer(1), x.dim());
  const int64_t size = c.integer(2);
  const int64_t step = c.integer(3);
  const int64_t length = x.dim() == 0 ? 1 : x.sizes()[d];
  if (size < 0) throw RuntimeError(cat("size is ", size, " but must be >= 0"));
  if (size > length) {
    throw RuntimeError(
        cat("maximum size for tensor at dimension ", d, " is ", length, " but size is ", size));
  }
  if (step <= 0) throw RuntimeError(cat("step is ", step, " but must be > 0"));
  Dims sizes = to_dims(x.sizes());
  Dims strides = to_dims(x.strides());
  const int64_t inner = x.dim() == 0 ? 1 : strides[d];
  if (x.dim() > 0) {
    sizes[d] = (length - size) / step + 1;
    if (__builtin_mul_overflow(strides[d], step, &strides[d])) strides[d] = 1;
  }
  sizes.push_back(size);
  strides.push_back(inner);
  c.ret(make_view(x, std::move(sizes), std::move(strides), x.storage_offset()));
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t a = wrap_dim(dim1, x.dim());
  const int64_t b = wrap_dim(dim2, x.dim());
  if (a == b) throw RuntimeError(cat("diagonal dimensions cannot be identical ", dim1, ", ", dim2));
  Dims sizes = to_dims(x.sizes());
  Dims strides = to_dims(x.strides());
  const int64_t rows = offset >= 0 ? sizes[a] : offset < -sizes[a] ? 0 : sizes[a] + offset;
  const int64_t columns = offset < 0 ? sizes[b] : offset > sizes[b] ? 0 : sizes[b] - offset;
  const int64_t length = std::min(rows, columns);
  int64_t at = x.storage_offset();
  if (length > 0) at += offset >= 0 ? offset * strides[b] : -offset * strides[a];
  const int64_t step = strides[a] + strides[b];
  for (const int64_t d : {std::max(a, b), std::min(a, b)}) {
    sizes.erase(sizes.begin() + d);
    strides.erase(strides.begin() + d);
  }
  sizes.push_back(length);
  strides.push_back(step);
  return make_view(x, std::move(sizes), std::move(strides), at);
}
void diagonal_op(OpCall& c) { c.ret(diagonal(c.tensor(0), c.integer(1), c.integer(2), c.integer(3))); }

/// Inside its storage only; from_storage checks.
void as_strided(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Dims strides = c.ints(2);
  if (strides.size() != c.ints(1).size()) throw RuntimeError("mismatch in length of strides and shape");
  if (std::ranges::any_of(strides, [](int64_t s) { return s < 0; })) {
    throw RuntimeError(cat("as_strided: Negative strides are not supported at the moment, got strides: ",
                           IntArrayRef(strides)));
  }
  c.ret(from_storage(x.storage(), c.optional_int(3).value_or(x.storage_offset()), c.ints(1), strides,
                     x.dtype()));
}

void view_dtype(OpCall& c) {
  const Tensor self = c.tensor(0);
  const auto dtype = static_cast<ScalarType>(c.integer(1));
  if (item_size(dtype) != self.itemsize()) {
    throw NotImplementedError("view(dtype) between dtypes of different sizes is not supported");
  }
  c.ret(from_storage(self.storage(), self.storage_offset(), self.sizes(), self.strides(), dtype));
}

constexpr OpRow kViewOps[] = {
    {"aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)", view},
    {"aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)", view_dtype},
    {"aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)", reshape},
    {"aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)", view_as},
    {"aten::reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)", reshape_as},
    {"aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor", view},
    {"aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)", expand},
    {"aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)", expand_as},
    {"aten::broadcast_to(Tensor(a) self, SymInt[] size) -> Tensor(a)", expand},
    {"aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)", permute},
    {"aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", transpose},
    {"aten::transpose_(Tensor(a!) self, int dim0, int dim1) -> Tensor(a!)", transpose_},
    {"aten::swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)", transpose},
    {"aten::swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", transpose},
    {"aten::t(Tensor(a) self) -> Tensor(a)", unary_op<t>},
    {"aten::t_(Tensor(a!) self) -> Tensor(a!)", t_},
    {"aten::numpy_T(Tensor(a) self) -> Tensor(a)", unary_op<reversed_dims>},
    {"aten::numpy_T.a(Tensor(a) self) -> Tensor(a)", unary_op<reversed_dims>},
    {"aten::mT(Tensor(a) self) -> Tensor(a)", unary_op<matrix_t>},
    {"aten::mT.a(Tensor(a) self) -> Tensor(a)", unary_op<matrix_t>},
    {"aten::movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)", movedim_int},
    {"aten::movedim.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)", movedim_ints},
    {"aten::moveaxis.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)", movedim_ints},
    {"aten::moveaxis.int(Tensor(a) self, int source, int destination) -> Tensor(a)", movedim_int},
    {"aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)", unsqueeze},
    {"aten::unsqueeze_(Tensor(a!) self, int dim) -> Tensor(a!)", unsqueeze_},
    {"aten::squeeze(Tensor(a) self) -> Tensor(a)", unary_op<squeeze>},
    {"aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)", squeeze_dim},
    {"aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)", squeeze_dims_op},
    {"aten::squeeze_(Tensor(a!) self) -> Tensor(a!)", squeeze_},
    {"aten::squeeze_.dim(Tensor(a!) self, int dim) -> Tensor(a!)", squeeze_dim_},
    {"aten::squeeze_.dims(Tensor(a!) self, int[] dim) -> Tensor(a!)", squeeze_dims_},
    {"aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)", select},
    {"aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> "
     "Tensor(a)",
     slice},
    {"aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)", narrow_op},
    {"aten::narrow.Tensor(Tensor(a) self, int dim, Tensor start, SymInt length) -> Tensor(a)", narrow_tensor},
    {"aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)", flatten_op},
    {"aten::ravel(Tensor(a) self) -> Tensor(a)", ravel},
    {"aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)", unflatten},
    {"aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]", split_op},
    {"aten::split.sizes(Tensor(a -> *) self, SymInt[] split_size, int dim=0) -> Tensor(a)[]", split_sizes_op},
    {"aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]",
     split_sizes_op},
    {"aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]", chunk_op},
    {"aten::tensor_split.sections(Tensor(a -> *) self, SymInt sections, int dim=0) -> Tensor(a)[]",
     tensor_split_sections},
    {"aten::tensor_split.indices(Tensor(a -> *) self, SymInt[] indices, int dim=0) -> Tensor(a)[]",
     tensor_split_indices},
    {"aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]", unbind},
    {"aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)", unfold},
    {"aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)", diagonal_op},
    {"aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> "
     "Tensor(a)",
     as_strided},
};

}  // namespace

OpTable view_ops() { return kViewOps; }

}  // namespace calque::ops
