// Tensors put together from blocks, taken apart, and written into a copy of another.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ops/composite.h"
#include "ops/limits.h"
#include "ops/positions.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

void block_diag(OpCall& c) {
  std::vector<Tensor> blocks;
  std::vector<Tensor> all = c[0].toTensorVector();
  int64_t rows = 0;
  int64_t columns = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const Tensor& t = all[i];
    if (t.dim() > 2) {
      throw RuntimeError(cat("block_diag: Input tensors must have 2 or fewer dimensions. Input ", i, " has ",
                             t.dim(), " dimensions"));
    }
    blocks.push_back(t.dim() == 2 ? t : t.reshape(Dims{1, t.numel()}));
    rows += blocks.back().sizes()[0];
    columns += blocks.back().sizes()[1];
  }
  const Tensor out = zeros({all.empty() ? 1 : rows, columns}, all.empty() ? kFloat : result_type(all));
  int64_t row = 0;
  int64_t column = 0;
  for (const Tensor& t : blocks) {
    out.slice(0, row, row + t.sizes()[0]).slice(1, column, column + t.sizes()[1]).copy_(t);
    row += t.sizes()[0];
    column += t.sizes()[1];
  }
  c.ret(out);
}

/// All choices of r elements of a vector, in order.
void combinations(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t r = c.integer(1);
  const bool repeats = c.boolean(2);
  if (x.dim() != 1) throw RuntimeError(cat("Expect a 1D vector, but got shape ", x.sizes()));
  if (r < 0) throw RuntimeError(cat("Expect a non-negative number, but got ", r));
  if (r == 0) return c.ret(empty({0}, x.dtype()));
  const int64_t n = x.numel();
  if (r > 1000) throw RuntimeError(cat("combinations: r = ", r, " is out of range"));
  std::vector<int64_t> chosen;
  std::vector<int64_t> at(static_cast<size_t>(r), 0);
  for (int64_t i = 0; i < r && !repeats; ++i) at[i] = i;
  const auto limit = [&](int64_t i) { return repeats ? n - 1 : n - r + i; };
  bool more = n > 0 && (repeats || r <= n);
  while (more) {
    check_growth(static_cast<int64_t>(chosen.size()) + r, 16);
    chosen.insert(chosen.end(), at.begin(), at.end());
    int64_t i = r - 1;
    while (i >= 0 && at[i] == limit(i)) --i;
    more = i >= 0;
    if (!more) break;
    ++at[i];
    for (int64_t j = i + 1; j < r; ++j) at[j] = repeats ? at[i] : at[j - 1] + 1;
  }
  const auto count = static_cast<int64_t>(chosen.size()) / r;
  const Tensor index = chosen.empty() ? empty({0}, kLong) : tensor(chosen);
  c.ret(invoke("aten::index_select", {x, 0, index}).view(Dims{count, r}));
}

/// Sections or indices of a dimension: rows, columns of vectors and matrices, or the third.
template <size_t Dim>
void split_along(OpCall& c) {
  const Tensor x = c.tensor(0);
  constexpr std::string_view kOps[] = {"vsplit", "hsplit", "dsplit"};
  const int64_t least = Dim == 1 ? 1 : Dim == 0 ? 2 : 3;
  if (x.dim() < least) {
    throw RuntimeError(cat("torch.", kOps[Dim], " requires a tensor with at least ", least, " dimension",
                           least == 1 ? "" : "s", ", but got a tensor with ", x.dim(), " dimensions!"));
  }
  const int64_t d = Dim == 1 && x.dim() == 1 ? 0 : static_cast<int64_t>(Dim);
  if (c[1].isInt()) {
    const int64_t sections = c.integer(1);
    if (sections == 0 || x.sizes()[d] % sections != 0) {
      throw RuntimeError(cat("torch.", kOps[Dim], " attempted to split along dimension ", d,
                             ", but the size of the dimension ", x.sizes()[d],
                             " is not divisible by the split_size ", sections, "!"));
    }
    return c.ret(invoke_all("aten::tensor_split.sections", {x, sections, d})[0]);
  }
  c.ret(invoke_all("aten::tensor_split.indices", {x, c[1], d})[0]);
}

Tensor at_least_3d(const Tensor& x) {
  if (x.dim() == 0) return x.reshape(Dims{1, 1, 1});
  if (x.dim() == 1) return x.unsqueeze(0).unsqueeze(-1);
  return x.dim() == 2 ? x.unsqueeze(-1) : x;
}
void atleast_3d(OpCall& c) { c.ret(at_least_3d(c.tensor(0))); }
void atleast_3d_list(OpCall& c) {
  std::vector<Tensor> out;
  for (const Tensor& t : c[0].toTensorVector()) out.push_back(at_least_3d(t));
  c.ret(out);
}

void fill_diagonal_(OpCall& c) {
  const Tensor self = c.tensor(0);
  if (self.dim() < 2) throw RuntimeError("dimensions must larger than 1");
  const int64_t size = *std::ranges::min_element(self.sizes());
  if (self.dim() > 2 &&
      std::ranges::adjacent_find(self.sizes(), std::not_equal_to<>()) != self.sizes().end()) {
    throw RuntimeError("all dimensions of input must be of equal length");
  }
  int64_t stride = 0;
  for (const int64_t s : self.strides()) stride += s;
  if (size > 0) make_view(self, {size}, {stride}, self.storage_offset()).fill_(c.scalar(1));
  // Of a tall matrix the diagonal goes on below, one row left out.
  const bool tall = self.dim() == 2 && self.sizes()[0] > self.sizes()[1] + 1;
  if (c.boolean(2) && tall && size > 0) {
    const int64_t left = (self.numel() + size) / (size + 1) - size;
    const int64_t offset = self.storage_offset() + self.strides()[0] * (size + 1);
    from_storage(self.storage(), offset, Dims{left}, Dims{stride}, self.dtype()).fill_(c.scalar(1));
  }
  c.ret(c[0]);
}

// --- writing into a copy

Tensor dense_copy(const Tensor& x) {
  const Tensor out = empty(x.sizes(), x.dtype());
  out.copy_(x);
  return out;
}

void write_part(const Tensor& part, const Tensor& source) {
  if (!std::ranges::equal(part.sizes(), source.sizes())) {
    throw RuntimeError(cat("expected src to have a size equal to the slice of self. src size = ",
                           source.sizes(), ", slice size = ", part.sizes()));
  }
  part.copy_(source);
}

void select_scatter(OpCall& c) {
  const Tensor out = dense_copy(c.tensor(0));
  write_part(out.select(c.integer(2), c.integer(3)), c.tensor(1));
  c.ret(out);
}
void slice_scatter(OpCall& c) {
  const Tensor out = dense_copy(c.tensor(0));
  write_part(out.slice(c.integer(2), c.optional_int(3), c.optional_int(4), c.integer(5)), c.tensor(1));
  c.ret(out);
}
void diagonal_scatter(OpCall& c) {
  const Tensor out = dense_copy(c.tensor(0));
  write_part(invoke("aten::diagonal", {out, c[2], c[3], c[4]}), c.tensor(1));
  c.ret(out);
}

/// Elements at flat positions of `out`, which may be strided.
void put_into(const Tensor& out, const OpCall& c) {
  const Tensor index = c.tensor(1);
  const Tensor source = c.tensor(2);
  if (index.dtype() != kLong)
    throw RuntimeError(
        cat("put_(): Expected a long tensor for index, but got ", dtype_cpp_name(index.dtype())));
  if (source.dtype() != out.dtype()) {
    throw RuntimeError(cat("put_(): self and source expected to have the same dtype, but got self.dtype = ",
                           dtype_cpp_name(out.dtype()),
                           " and source.dtype = ", dtype_cpp_name(source.dtype())));
  }
  if (index.numel() != source.numel()) {
    throw RuntimeError(cat(
        "put_(): Expected source and index to have the same number of elements, but got source.numel() = ",
        source.numel(), ", index.numel() = ", index.numel()));
  }
  check_no_internal_overlap(out);
  if (out.numel() == 0 && index.numel() != 0)
    throw IndexError("put_(): Expected self to have elements, but got an empty tensor");
  const Tensor ids = index.contiguous();
  const Tensor values = source.contiguous();
  const std::vector<int64_t> offsets = element_offsets(out.sizes(), out.strides());
  const bool accumulate = c.boolean(3);
  dispatch_all(out.dtype(), "put_cpu", [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < ids.numel(); ++i) {
      int64_t at = elements<int64_t>(ids)[i];
      if (at < -out.numel() || at >= out.numel()) {
        throw IndexError(
            cat("out of range: tried to access index ", at, " on a tensor of ", out.numel(), " elements."));
      }
      if (at < 0) at += out.numel();
      T& place = elements<T>(out)[offsets[static_cast<size_t>(at)]];
      const auto v = Element<T>::load(elements<T>(values)[i]);
      place = Element<T>::store(accumulate ? static_cast<OpType<T>>(Element<T>::load(place) + v) : v);
    }
  });
}
void put_(OpCall& c) {
  put_into(c.tensor(0), c);
  c.ret(c[0]);
}
void put(OpCall& c) {
  const Tensor out = dense_copy(c.tensor(0));
  put_into(out, c);
  c.ret(out);
}

void sum_to_size(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Dims wanted = c.ints(1);
  const auto extra = x.dim() - static_cast<int64_t>(wanted.size());
  Dims dims;
  bool fits = extra >= 0;
  for (int64_t d = 0; fits && d < x.dim(); ++d) {
    const int64_t size = d < extra ? 1 : wanted[static_cast<size_t>(d - extra)];
    if (d < extra || (size == 1 && x.sizes()[d] != 1)) dims.push_back(d);
    fits = d < extra || size == 1 || size == x.sizes()[d];
  }
  if (!fits)
    throw RuntimeError(cat("size {", IntArrayRef(wanted), "} is not expandable to size {", x.sizes(), "}."));
  const Tensor total = dims.empty() ? x : invoke("aten::sum.dim_IntList", {x, dims, true});
  c.ret(extra == 0 ? total : total.view(wanted));
}

void narrow_copy(OpCall& c) { c.ret(dense_copy(invoke("aten::narrow", {c[0], c[1], c[2], c[3]}))); }
void expand_copy(OpCall& c) { c.ret(dense_copy(c.tensor(0).expand(c.ints(1)))); }
void unfold_copy(OpCall& c) { c.ret(dense_copy(invoke("aten::unfold", {c[0], c[1], c[2], c[3]}))); }

/// The first `size` coordinates of what is not zero, filled up.
void nonzero_static(OpCall& c) {
  const int64_t size = c.integer(1);
  if (size < 0) throw RuntimeError("nonzero_static: 'size' must be an non-negative integer");
  const Tensor all = nonzero(c.tensor(0));
  const Tensor out = full(Dims{size, c.tensor(0).dim()}, Scalar(c.integer(2)), kLong);
  const int64_t count = std::min(size, all.sizes()[0]);
  out.slice(0, 0, count).copy_(all.slice(0, 0, count));
  c.ret(out);
}

/// y[o] = x1 W[o] x2 + b[o]
void bilinear(OpCall& c) {
  const Tensor x = c.tensor(0);
  const Tensor y = c.tensor(1);
  const Tensor weight = c.tensor(2);
  if (x.dim() != y.dim())
    throw RuntimeError(cat("bilinear(): input dimensions do not match: got ", x.dim(), " and ", y.dim()));
  if (weight.dim() != 3 || x.dim() == 0)
    throw RuntimeError(
        cat("bilinear(): weight must have 3 dimensions and inputs at least one, but got sizes ",
            weight.sizes(), " and ", x.sizes()));
  for (int64_t d = 0; d + 1 < x.dim(); ++d) {
    if (x.sizes()[d] != y.sizes()[d]) {
      throw RuntimeError(cat("bilinear(): input batch dimensions do not match at dim ", d, ": got ",
                             x.sizes()[d], " and ", y.sizes()[d]));
    }
  }
  if (x.size(-1) != weight.sizes()[1]) {
    throw RuntimeError(cat("bilinear(): input1 size does not match weight size: got ", x.size(-1),
                           " but expected ", weight.sizes()[1]));
  }
  if (y.size(-1) != weight.sizes()[2]) {
    throw RuntimeError(cat("bilinear(): input2 size does not match weight size: got ", y.size(-1),
                           " but expected ", weight.sizes()[2]));
  }
  if (const auto bias = c.optional_tensor(3);
      bias && (bias->dim() != 1 || bias->numel() != weight.sizes()[0])) {
    throw RuntimeError(cat("bilinear(): bias size does not match weight size: got ", bias->sizes(),
                           " but expected ", weight.sizes()[0]));
  }
  const int64_t rows = x.dim() == 1 ? 1 : wrapping_product(x.sizes().first(x.sizes().size() - 1));
  const int64_t in = weight.sizes()[1];
  const int64_t outs = weight.sizes()[0];
  const int64_t other = weight.sizes()[2];
  const Tensor left = invoke("aten::matmul", {x.reshape(Dims{rows, in}),
                                              weight.permute(Dims{1, 0, 2}).reshape(Dims{in, outs * other})});
  const Tensor product =
      invoke("aten::bmm", {left.view(Dims{rows, outs, other}), y.reshape(Dims{rows, other, 1})});
  Dims sizes(x.sizes().begin(), x.sizes().end() - 1);
  sizes.push_back(outs);
  const Tensor out = product.reshape(sizes);
  c.ret(c[3].isNone() ? out : invoke("aten::add.Tensor", {out, c[3]}));
}

// --- the numbers that quantised training sees

void check_quant_range(int64_t low, int64_t high) {
  if (low <= high) return;
  throw RuntimeError("`quant_min` should be less than or equal to `quant_max`.");
}

/// Rounds to the steps of a scale, in the limits of the integer type.
Tensor fake_quantized(const Tensor& x, const Tensor& scale, const Tensor& zero_point, int64_t low,
                      int64_t high) {
  check_quant_range(low, high);
  if (x.dtype() != kFloat && x.dtype() != kDouble && x.dtype() != kHalf && x.dtype() != kBFloat16)
    throw_not_implemented("fake_quantize", x.dtype());
  const Tensor zero = zero_point.to(kFloat);
  const Tensor inverse = invoke("aten::reciprocal", {scale.to(kFloat)});
  const Tensor steps =
      invoke("aten::round",
             {invoke("aten::add.Tensor", {invoke("aten::mul.Tensor", {x.to(kFloat), inverse}), zero})});
  const Tensor kept = invoke("aten::clamp", {steps, static_cast<double>(low), static_cast<double>(high)});
  const Tensor out = invoke("aten::mul.Tensor", {invoke("aten::sub.Tensor", {kept, zero}), scale.to(kFloat)});
  return out.to(x.dtype());
}
void fake_quantize_tensor(OpCall& c) {
  const auto number = [&](size_t i) { return c[i].isTensor() ? c.tensor(i) : full({}, c.scalar(i), kFloat); };
  c.ret(fake_quantized(c.tensor(0), number(1), number(2), c.integer(3), c.integer(4)));
}
void fake_quantize_channel(OpCall& c) {
  const Tensor x = c.tensor(0);
  const int64_t axis = c.integer(3);
  if (axis < 0 || axis >= x.dim())
    throw RuntimeError("`axis` must be between 0 and number of dimensions of input");
  const int64_t n = x.sizes()[axis];
  if (c.tensor(1).dim() != 1 || c.tensor(2).dim() != 1 || c.tensor(1).numel() != n ||
      c.tensor(2).numel() != n) {
    throw RuntimeError("scale and zero-point need to have the same dimensions, one value for each channel");
  }
  Dims shape(x.sizes().size(), 1);
  shape[axis] = n;
  c.ret(
      fake_quantized(x, c.tensor(1).reshape(shape), c.tensor(2).reshape(shape), c.integer(4), c.integer(5)));
}

constexpr OpRow kRearrangeOps[] = {
    {"aten::block_diag(Tensor[] tensors) -> Tensor", block_diag},
    {"aten::combinations(Tensor self, int r=2, bool with_replacement=False) -> Tensor", combinations},
    {"aten::hsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]", split_along<1>},
    {"aten::hsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]", split_along<1>},
    {"aten::vsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]", split_along<0>},
    {"aten::vsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]", split_along<0>},
    {"aten::dsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]", split_along<2>},
    {"aten::dsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]", split_along<2>},
    {"aten::atleast_3d(Tensor self) -> Tensor", atleast_3d},
    {"aten::atleast_3d.Sequence(Tensor[] tensors) -> Tensor[]", atleast_3d_list},
    {"aten::fill_diagonal_(Tensor(a!) self, Scalar fill_value, bool wrap=False) -> Tensor(a!)",
     fill_diagonal_},
    {"aten::select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor", select_scatter},
    {"aten::slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, SymInt "
     "step=1) -> Tensor",
     slice_scatter},
    {"aten::diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor",
     diagonal_scatter},
    {"aten::put_(Tensor(a!) self, Tensor index, Tensor source, bool accumulate=False) -> Tensor(a!)", put_},
    {"aten::put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor", put},
    {"aten::sum_to_size(Tensor self, SymInt[] size) -> Tensor", sum_to_size},
    {"aten::narrow_copy(Tensor self, int dim, SymInt start, SymInt length) -> Tensor", narrow_copy},
    {"aten::expand_copy(Tensor self, SymInt[] size, *, bool implicit=False) -> Tensor", expand_copy},
    {"aten::unfold_copy(Tensor self, int dimension, int size, int step) -> Tensor", unfold_copy},
    {"aten::nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor", nonzero_static},
    {"aten::bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor", bilinear},
    {"aten::fake_quantize_per_tensor_affine(Tensor self, float scale, int zero_point, int quant_min, int "
     "quant_max) -> Tensor",
     fake_quantize_tensor},
    {"aten::fake_quantize_per_tensor_affine.tensor_qparams(Tensor self, Tensor scale, Tensor zero_point, int "
     "quant_min, int quant_max) -> Tensor",
     fake_quantize_tensor},
    {"aten::fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor zero_point, int axis, int "
     "quant_min, int quant_max) -> Tensor",
     fake_quantize_channel},
};

}  // namespace

OpTable rearrange_ops() { return kRearrangeOps; }

}  // namespace calque::ops
