// Embeddings of bags of ids, and the renormalisation of rows.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

enum Mode : int64_t { kSum = 0, kMeanOfBag = 1, kMax = 2 };

struct Bags {
  Tensor table;                   ///< contiguous [rows, width]
  Tensor ids, offsets;            ///< contiguous int64 vectors
  std::optional<Tensor> factors;  ///< one for each id
  int64_t mode;
  int64_t count;                   ///< of bags
  std::optional<int64_t> ignored;  ///< an id that takes no part

  int64_t begin(int64_t bag) const { return elements<int64_t>(offsets)[bag]; }
  int64_t end(int64_t bag) const { return bag + 1 < offsets.numel() ? begin(bag + 1) : ids.numel(); }
};

Tensor as_ids(const Tensor& t, std::string_view name) {
  if (t.dtype() != kLong && t.dtype() != kInt) {
    throw RuntimeError(cat("Expected tensor for argument '", name,
                           "' to have one of the following scalar types: Long, Int; but got torch.",
                           dtype_cpp_name(t.dtype()),
                           "Tensor instead (while checking arguments for embedding_bag)"));
  }
  if (t.dim() != 1)
    throw RuntimeError(
        cat("embedding_bag: ", name, " has to be a 1D Tensor, but got Tensor of dimension ", t.dim()));
  return t.to(kLong).contiguous();
}

void check_offsets(const Bags& b, bool include_last) {
  const int64_t n = b.offsets.numel();
  if (include_last && n == 0)
    throw RuntimeError("include_last_offset: number of offset should be at least 1");
  if (n > 0 && b.begin(0) != 0) {
    throw RuntimeError(
        cat("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            "position 0. However, got ",
            b.begin(0)));
  }
  if (n > 0 && b.begin(n - 1) > b.ids.numel()) {
    throw RuntimeError(cat("offsets[-1] can not be greater than input's length(", b.ids.numel(),
                           ") but got offsets[-1] of ", b.begin(n - 1)));
  }
  for (int64_t i = 1; i < n; ++i) {
    if (b.begin(i) < b.begin(i - 1)) throw RuntimeError("embedding_bag: offsets must not fall");
  }
}

void check_ids(const Bags& b) {
  const int64_t rows = b.table.sizes()[0];
  for (int64_t i = 0; i < b.ids.numel(); ++i) {
    const int64_t id = elements<int64_t>(b.ids)[i];
    if (id >= 0 && id < rows) continue;
    throw RuntimeError(
        cat("embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be ", id));
  }
}

void check_factors(const Bags& b) {
  if (!b.factors) return;
  if (b.mode != kSum)
    throw RuntimeError(
        "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
        "(got mode='mean' or 'max').");
  if (b.factors->dtype() != b.table.dtype()) {
    throw RuntimeError("expected weight and per_sample_weights to have the same dtype");
  }
  if (b.factors->dim() != 1 || b.factors->numel() != b.ids.numel()) {
    throw RuntimeError(cat("embedding_bag: If per_sample_weights (", b.factors->sizes(),
                           ") is not None, it must have the same shape as the indices (", b.ids.sizes(),
                           ")"));
  }
}

Bags bags_of(const OpCall& c) {
  const Tensor weight = c.tensor(0);
  if (weight.dim() != 2) throw RuntimeError("'weight' must be 2-D");
  const bool include_last = c.boolean(7);
  Bags b{.table = weight.contiguous(),
         .ids = as_ids(c.tensor(1), "indices"),
         .offsets = as_ids(c.tensor(2), "offsets"),
         .factors = c.optional_tensor(6),
         .mode = c.integer(4),
         .count = 0,
         .ignored = c.size() > 8 ? c.optional_int(8) : std::nullopt};
  if (b.mode < kSum || b.mode > kMax) throw RuntimeError(cat("embedding_bag: unknown mode ", b.mode));
  b.count = std::max<int64_t>(b.offsets.numel() - (include_last ? 1 : 0), 0);
  if (b.factors) b.factors = b.factors->contiguous();
  if (b.ignored) {
    const int64_t rows = weight.sizes()[0];
    if (*b.ignored < -rows || *b.ignored >= rows)
      throw RuntimeError("padding_idx must be within the number of embeddings");
    if (*b.ignored < 0) b.ignored = *b.ignored + rows;
  }
  check_offsets(b, include_last);
  check_ids(b);
  check_factors(b);
  return b;
}

/// Row `bag` of the result; the number of ids that took part.
template <class T>
int64_t fill_bag(const Bags& b, int64_t bag, T* out, int64_t* places) {
  using Op = OpType<T>;
  const int64_t width = b.table.sizes()[1];
  std::vector<Op> total(static_cast<size_t>(width), Op(0));
  int64_t taken = 0;
  for (int64_t i = b.begin(bag); i < b.end(bag); ++i) {
    const int64_t id = elements<int64_t>(b.ids)[i];
    if (b.ignored == id) continue;
    const T* row = elements<T>(b.table) + id * width;
    const Op factor = b.factors ? Element<T>::load(elements<T>(*b.factors)[i]) : Op(1);
    for (int64_t k = 0; k < width; ++k) {
      const Op v = Element<T>::load(row[k]) * factor;
      if (b.mode != kMax) {
        total[k] += v;
      } else if (taken == 0 || v > total[k]) {
        total[k] = v;
        places[k] = id;
      }
    }
    ++taken;
  }
  for (int64_t k = 0; k < width; ++k) {
    out[k] =
        Element<T>::store(b.mode == kMeanOfBag && taken > 0 ? total[k] / static_cast<Op>(taken) : total[k]);
  }
  return taken;
}

/// Results: the bags, and what PyTorch keeps for the gradient: the bag of each id, the sizes of bags, and for
/// `max` the id that each element comes from.
void embedding_bag(OpCall& c) {
  const Bags b = bags_of(c);
  const int64_t width = b.table.sizes()[1];
  const Tensor out = empty({b.count, width}, b.table.dtype());
  const Tensor sizes = zeros({b.count}, kLong);
  const Tensor places = zeros({b.count, width}, kLong);
  const Tensor bag_of = zeros({b.ids.numel()}, kLong);
  dispatch_floating(b.table.dtype(), "embedding_bag", [&]<class T>(TypeTag<T>) {
    for (int64_t bag = 0; bag < b.count; ++bag) {
      elements<int64_t>(sizes)[bag] =
          fill_bag<T>(b, bag, elements<T>(out) + bag * width, elements<int64_t>(places) + bag * width);
      for (int64_t i = b.begin(bag); i < b.end(bag); ++i) elements<int64_t>(bag_of)[i] = bag;
    }
  });
  c.ret(out, 0);
  c.ret(bag_of, 1);
  c.ret(sizes, 2);
  c.ret(places, 3);
}

template <class T>
double row_norm(const T* row, int64_t width, int64_t stride, double p) {
  double total = 0;
  for (int64_t k = 0; k < width; ++k) {
    const double v = std::fabs(static_cast<double>(Element<T>::load(row[k * stride])));
    total = std::isinf(p) ? std::max(total, v) : total + std::pow(v, p);
  }
  return std::isinf(p) ? total : std::pow(total, 1 / p);
}

/// Rows with a norm above the limit are scaled to it, once each.
void embedding_renorm_(OpCall& c) {
  const Tensor self = c.tensor(0);
  if (self.dim() != 2) throw RuntimeError("'self' must be 2-D");
  const Tensor flat = c.tensor(1).reshape(Dims{c.tensor(1).numel()});
  const Tensor ids = as_ids(flat, "indices");
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < ids.numel(); ++i) {
    const int64_t id = elements<int64_t>(ids)[i];
    if (id < 0 || id >= self.sizes()[0]) throw IndexError("index out of range in self");
    rows.push_back(id);
  }
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  const double limit = c.number(2);
  const int64_t width = self.sizes()[1];
  dispatch_floating(self.dtype(), "embedding_renorm_", [&]<class T>(TypeTag<T>) {
    for (const int64_t id : rows) {
      T* row = elements<T>(self) + id * self.strides()[0];
      const int64_t stride = self.strides()[1];
      const double norm = row_norm(row, width, stride, c.number(3));
      if (!(norm > limit)) continue;
      const double scale = limit / (norm + 1e-7);
      for (int64_t k = 0; k < width; ++k) {
        const double v = static_cast<double>(Element<T>::load(row[k * stride])) * scale;
        row[k * stride] = Element<T>::store(static_cast<OpType<T>>(v));
      }
    }
  });
  c.ret(c[0]);
}

constexpr OpRow kEmbeddingBagOps[] = {
    {"aten::embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int "
     "mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False) -> "
     "(Tensor, "
     "Tensor, Tensor, Tensor)",
     embedding_bag},
    {"aten::embedding_bag.padding_idx(Tensor weight, Tensor indices, Tensor offsets, bool "
     "scale_grad_by_freq, int "
     "mode, bool sparse, Tensor? per_sample_weights, bool include_last_offset, int? padding_idx) -> (Tensor, "
     "Tensor, Tensor, Tensor)",
     embedding_bag},
    {"aten::embedding_renorm_(Tensor(a!) self, Tensor indices, float max_norm, float norm_type) -> "
     "Tensor(a!)",
     embedding_renorm_},
};

}  // namespace

OpTable embedding_bag_ops() { return kEmbeddingBagOps; }

}  // namespace calque::ops
