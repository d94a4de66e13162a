// Embeddings.
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "kernels/embedding/embedding.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/dtype.h"
#include "tensor/element.h"

namespace calque::ops {

namespace {

void check_indices(const Tensor& indices) {
  if (indices.dtype() == kLong || indices.dtype() == kInt) return;
  throw RuntimeError(
      cat("Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
          "but got torch.",
          dtype_cpp_name(indices.dtype()), "Tensor instead (while checking arguments for embedding)"));
}

/// Every id is a row of the table: an id from a program or a user must not reach other memory.
void check_ids(const Tensor& ids, int64_t rows) {
  const auto* id = elements<int64_t>(ids);
  for (int64_t i = 0; i < ids.numel(); ++i) {
    if (id[i] < 0 || id[i] >= rows) throw IndexError("index out of range in self");
  }
}

void embedding(OpCall& c) {
  const Tensor weight = c.tensor(0);
  const Tensor indices = c.tensor(1);
  if (weight.dim() != 2) throw RuntimeError("'weight' must be 2-D");
  check_indices(indices);
  const Tensor ids = indices.to(kLong).contiguous();
  check_ids(ids, weight.sizes()[0]);
  const Tensor table = weight.contiguous();
  Dims sizes = to_dims(indices.sizes());
  sizes.push_back(weight.sizes()[1]);
  Tensor out = empty(sizes, weight.dtype());
  if (out.numel() > 0) {
    kernels::embedding_rows({.table = table.raw_data(),
                             .row_bytes = weight.sizes()[1] * weight.itemsize(),
                             .ids = elements<int64_t>(ids),
                             .count = ids.numel(),
                             .out = out.raw_data()});
  }
  c.ret(out);
}

void one_hot(OpCall& c) {
  const Tensor x = c.tensor(0);
  if (x.dtype() != kLong)
    throw RuntimeError("one_hot is only applicable to index tensor of type LongTensor.");
  int64_t classes = c.integer(1);
  if (x.numel() == 0 && classes <= 0)
    throw RuntimeError("Can not infer total number of classes from empty tensor.");
  const Tensor ids = x.contiguous();
  const auto* id = elements<int64_t>(ids);
  int64_t largest = -1;
  for (int64_t i = 0; i < ids.numel(); ++i) {
    if (id[i] < 0) throw RuntimeError("Class values must be non-negative.");
    largest = std::max(largest, id[i]);
  }
  if (classes == -1) {
    if (largest == std::numeric_limits<int64_t>::max())
      throw RuntimeError("numel: integer multiplication overflow");
    classes = largest + 1;
  }
  if (largest >= classes) throw RuntimeError("Class values must be smaller than num_classes.");
  Dims sizes = to_dims(x.sizes());
  sizes.push_back(classes);
  Tensor out = zeros(sizes, kLong);
  for (int64_t i = 0; i < ids.numel(); ++i) elements<int64_t>(out)[i * classes + id[i]] = 1;
  c.ret(out);
}

constexpr OpRow kEmbeddingOps[] = {
    {"aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, "
     "bool sparse=False) -> Tensor",
     embedding},
    {"aten::one_hot(Tensor self, int num_classes=-1) -> Tensor", one_hot},
};

}  // namespace

OpTable embedding_ops() { return kEmbeddingOps; }

}  // namespace calque::ops
