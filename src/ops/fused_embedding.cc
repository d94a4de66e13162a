// The sum of embeddings and its layer normalisation: the first step of an encoder.
#include <algorithm>
#include <optional>
#include <vector>

#include "calque/error.h"
#include "kernels/embedding/embedding_sum.h"
#include "ops/arithmetic.h"
#include "ops/composite.h"
#include "ops/fused.h"
#include "ops/norm.h"
#include "ops/support.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

/// Weight and indices of each table, then what layer_norm takes.
constexpr size_t kTables = 3;
constexpr size_t kNorm = 2 * kTables;

struct Tables {
  std::vector<Tensor> weights, ids;
  bool in_place = false;  ///< the last rows were added in place, where sums cannot grow
};

Tables tables_of(const OpCall& call) {
  Tables tables;
  for (size_t i = 0; i < kTables && !call[2 * i].isNone(); ++i) {
    tables.weights.push_back(call.tensor(2 * i));
    tables.ids.push_back(call.tensor(2 * i + 1));
  }
  tables.in_place = call.boolean(kNorm + 4);
  return tables;
}

bool kernel_takes(const Tables& tables, const Dims& shape) {
  return shape.size() == 1 && shape[0] > 0 &&
         std::ranges::all_of(tables.weights,
                             [&](const Tensor& weight) {
                               return weight.dtype() == kFloat && weight.dim() == 2 &&
                                      weight.is_contiguous() && weight.size(1) == shape[0];
                             }) &&
         std::ranges::all_of(tables.ids, [](const Tensor& ids) { return ids.dtype() == kLong; });
}

bool is_parameter(const std::optional<Tensor>& tensor, const Dims& shape) {
  return !tensor ||
         (tensor->dtype() == kFloat && tensor->is_contiguous() && std::ranges::equal(tensor->sizes(), shape));
}

/// nullopt when the sums of the tables' rows fail, so that they say why.
std::optional<Dims> common_sizes(const std::vector<Tensor>& ids, bool in_place) {
  try {
    Dims sizes = to_dims(ids[0].sizes());
    for (const Tensor& more : ids) {
      Dims both = broadcast_shapes(sizes, more.sizes());
      if (in_place && more.is_same(ids.back()) && both != sizes) return std::nullopt;
      sizes = std::move(both);
    }
    return sizes;
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// nullopt when this has to be computed step by step.
std::optional<Tensor> fast_sum(const Tables& tables, const Dims& shape, const std::optional<Tensor>& weight,
                               const std::optional<Tensor>& bias, double eps) {
  if (!kernel_takes(tables, shape) || !is_parameter(weight, shape) || !is_parameter(bias, shape))
    return std::nullopt;
  std::optional<Dims> sizes = common_sizes(tables.ids, tables.in_place);
  if (!sizes) return std::nullopt;
  kernels::EmbeddingSumArgs args{.rows = product(*sizes),
                                 .cols = shape[0],
                                 .table_count = static_cast<int>(tables.weights.size()),
                                 .normalise = true,
                                 .weight = weight ? weight->data_ptr<float>() : nullptr,
                                 .bias = bias ? bias->data_ptr<float>() : nullptr,
                                 .eps = static_cast<float>(eps),
                                 .out_row = shape[0]};
  std::vector<Tensor> ids;
  for (size_t i = 0; i < tables.weights.size(); ++i) {
    ids.push_back(tables.ids[i].expand(*sizes).contiguous());
    args.tables[i] = {.rows = tables.weights[i].data_ptr<float>(),
                      .count = tables.weights[i].size(0),
                      .stride = shape[0],
                      .ids = ids.back().data_ptr<int64_t>()};
  }
  if (kernels::first_bad_index(args).table >= 0) throw IndexError("index out of range in self");
  sizes->push_back(shape[0]);
  Tensor out = empty(*sizes, kFloat);
  args.out = out.data_ptr<float>();
  kernels::embedding_sum_rows(args);
  return out;
}

Tensor embedding(const Tensor& weight, const Tensor& ids) { return invoke("aten::embedding", {weight, ids}); }

Tensor sum_of(const Tables& tables) {
  Tensor sum = embedding(tables.weights[0], tables.ids[0]);
  for (size_t i = 1; i < tables.weights.size(); ++i) {
    const Tensor more = embedding(tables.weights[i], tables.ids[i]);
    if (tables.in_place && i + 1 == tables.weights.size()) {
      write_in_place(sum, add(sum, more), {more});
    } else {
      sum = add(sum, more);
    }
  }
  return sum;
}

}  // namespace

void embedding_sum(OpCall& call) {
  const Tables tables = tables_of(call);
  const Dims shape = call.ints(kNorm);
  const std::optional<Tensor> weight = call.optional_tensor(kNorm + 1);
  const std::optional<Tensor> bias = call.optional_tensor(kNorm + 2);
  const double eps = call[kNorm + 3].toDouble();
  if (std::optional<Tensor> out = fast_sum(tables, shape, weight, bias, eps))
    return call.ret(std::move(*out));
  call.ret(layer_norm(sum_of(tables), shape, weight, bias, eps));
}

/// aten::size of what aten::embedding would give.
void embedding_size(OpCall& call) {
  const Tensor weight = call.tensor(0), ids = call.tensor(1);
  Dims sizes = to_dims(ids.sizes());
  sizes.push_back(weight.size(1));
  const int64_t dim = wrap_dim(call.integer(2), static_cast<int64_t>(sizes.size()));
  call.ret(sizes[static_cast<size_t>(dim)]);
}

}  // namespace calque::ops
