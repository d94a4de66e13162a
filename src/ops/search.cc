// Search in sorted sequences, counts of values.
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "ops/loops.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"

namespace calque::ops {

namespace {

/// Where `value` belongs in n sorted elements; `at(i)` reads them. The bisection stays inside whatever their
/// order is.
template <class Op, class At>
int64_t bisect(int64_t n, Op value, bool right, At at) {
  int64_t low = 0;
  int64_t high = n;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const Op v = at(middle);
    const bool before = right ? !(v > value) : !(v >= value);
    if (before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

struct Search {
  Tensor sequence, values;
  bool int32 = false;
  bool right = false;
  std::optional<Tensor> sorter{};
};

void check_search(const Search& s) {
  const Tensor& seq = s.sequence;
  if (seq.dim() == 0)
    throw RuntimeError(
        "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but "
        "we got boundaries tensor dim(0)");
  const bool flat = seq.dim() == 1;
  const bool rows = seq.dim() == s.values.dim() &&
                    std::equal(seq.sizes().begin(), seq.sizes().end() - 1, s.values.sizes().begin());
  if (!flat && !rows) {
    throw RuntimeError(
        cat("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
            "boundaries tensor and input value tensor must match, but we got boundaries tensor ",
            seq.sizes(), " and input value tensor ", s.values.sizes()));
  }
  if (s.sorter && !std::ranges::equal(s.sorter->sizes(), seq.sizes())) {
    throw RuntimeError(
        cat("torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor ",
            seq.sizes(), "and got sorter tensor ", s.sorter->sizes()));
  }
  if (s.sorter && s.sorter->dtype() != kLong) {
    throw RuntimeError(cat("torch.searchsorted(): sorter must be a tensor of long dtype but got dtype ",
                           dtype_cpp_name(s.sorter->dtype())));
  }
}

Tensor search(const Search& s) {
  check_search(s);
  const ScalarType dtype = s.values.dim() == 0 && s.values.impl()->wrapped_number
                               ? s.sequence.dtype()
                               : promote_types(s.sequence.dtype(), s.values.dtype());
  const Tensor seq = s.sequence.to(dtype).contiguous();
  const Tensor in = s.values.to(dtype).contiguous();
  const Tensor sorter = s.sorter ? s.sorter->contiguous() : Tensor();
  const Tensor out = empty(s.values.sizes(), kLong);
  const int64_t n = seq.size(-1);
  const int64_t per_row =
      seq.dim() == 1 ? std::max<int64_t>(in.numel(), 1) : std::max<int64_t>(in.size(-1), 1);
  dispatch_numeric(dtype, "searchsorted_out_cpu", [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < in.numel(); ++i) {
      const int64_t base = i / per_row * n;
      elements<int64_t>(out)[i] = bisect(n, Element<T>::load(elements<T>(in)[i]), s.right, [&](int64_t k) {
        const int64_t at = sorter.defined() ? elements<int64_t>(sorter)[base + k] : k;
        if (at < 0 || at >= n) throw RuntimeError("torch.searchsorted(): sorter index out of range");
        return Element<T>::load(elements<T>(seq)[base + at]);
      });
    }
  });
  return s.int32 ? out.to(kInt) : out;
}

bool is_right(const OpCall& c) {
  if (c[4].isNone()) return c.boolean(3);
  const std::string& side = c[4].toStringRef();
  if (side != "left" && side != "right") {
    throw RuntimeError(cat("torch.searchsorted(): side can only be 'left' or 'right' but got ", side));
  }
  if (side == "left" && c.boolean(3)) {
    throw RuntimeError(
        "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was "
        "True");
  }
  return side == "right";
}

void searchsorted(OpCall& c) {
  c.ret(search({.sequence = c.tensor(0),
                .values = tensor_or_number(c[1]),
                .int32 = c.boolean(2),
                .right = is_right(c),
                .sorter = c.optional_tensor(5)}));
}
void bucketize(OpCall& c) {
  if (c.tensor(1).dim() != 1) {
    throw RuntimeError(
        cat("bucketize(): boundaries tensor must be 1 dimension, but got dim(", c.tensor(1).dim(), ")"));
  }
  c.ret(search({.sequence = c.tensor(1),
                .values = tensor_or_number(c[0]),
                .int32 = c.boolean(2),
                .right = c.boolean(3)}));
}

void bincount(OpCall& c) {
  const Tensor x = c.tensor(0);
  const std::optional<Tensor> weights = c.optional_tensor(1);
  if (c.integer(2) < 0) throw RuntimeError("minlength should be >= 0");
  if (x.dim() != 1 || !is_integral(x.dtype())) {
    throw RuntimeError("bincount only supports 1-d non-negative integral inputs.");
  }
  if (weights && (weights->dim() != 1 || weights->numel() != x.numel())) {
    throw RuntimeError("weights should be 1-d and have the same length as input");
  }
  const Tensor ids = x.to(kLong).contiguous();
  const auto* id = elements<int64_t>(ids);
  int64_t bins = c.integer(2);
  for (int64_t i = 0; i < ids.numel(); ++i) {
    if (id[i] < 0) throw RuntimeError("bincount only supports 1-d non-negative integral inputs.");
    if (id[i] == std::numeric_limits<int64_t>::max())
      throw RuntimeError("numel: integer multiplication overflow");
    bins = std::max(bins, id[i] + 1);
  }
  if (!weights) {
    Tensor out = zeros({bins}, kLong);
    for (int64_t i = 0; i < ids.numel(); ++i) ++elements<int64_t>(out)[id[i]];
    return c.ret(out);
  }
  const ScalarType dtype = weights->dtype() == kFloat ? kFloat : kDouble;
  const Tensor w = weights->to(kDouble).contiguous();
  Tensor out = zeros({bins}, kDouble);
  for (int64_t i = 0; i < ids.numel(); ++i) elements<double>(out)[id[i]] += elements<double>(w)[i];
  c.ret(out.to(dtype));
}

constexpr OpRow kSearchOps[] = {
    {"aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool "
     "right=False, str? side=None, Tensor? sorter=None) -> Tensor",
     searchsorted},
    {"aten::searchsorted.Scalar(Tensor sorted_sequence, Scalar self, *, bool out_int32=False, bool "
     "right=False, str? side=None, Tensor? sorter=None) -> Tensor",
     searchsorted},
    {"aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> "
     "Tensor",
     bucketize},
    {"aten::bucketize.Scalar(Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> "
     "Tensor",
     bucketize},
    {"aten::bincount(Tensor self, Tensor? weights=None, SymInt minlength=0) -> Tensor", bincount},
};

}  // namespace

OpTable search_ops() { return kSearchOps; }

}  // namespace calque::ops
