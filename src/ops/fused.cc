#include "ops/fused.h"

#include <array>
#include <memory>

#include "base/check.h"

namespace calque::ops {

namespace {

struct FusedRow {
  OpRow row;
  void (*prepare)(std::span<const IValue> arguments);
};

constexpr FusedRow kRows[] = {
    {{"calque::linear(Tensor input, Any weight, Any bias, int activation, Tensor? residual, int "
      "precision) -> "
      "Tensor",
      fused_linear},
     prepare_linear},
    {{"calque::linear_2(Tensor input, Any weight_0, Any bias_0, Any weight_1, Any bias_1, int "
      "precision) "
      "-> (Tensor, Tensor)",
      fused_linears},
     prepare_linears},
    {{"calque::linear_3(Tensor input, Any weight_0, Any bias_0, Any weight_1, Any bias_1, "
      "Any "
      "weight_2, Any bias_2, int precision) -> (Tensor, Tensor, Tensor)",
      fused_linears},
     prepare_linears},
    {{"calque::matmul_weight(Tensor factor) -> Any", matmul_weight}, nullptr},
    {{"calque::linear_norm(Tensor input, Any weight, Any bias, int activation, int precision, Tensor? "
      "residual, int[]? normalized_shape, Tensor? norm_weight, Tensor? norm_bias, float eps) -> Tensor",
      fused_linear_norm},
     prepare_linear_norm},
    {{"calque::feed_forward(Tensor input, Any weight_0, Any bias_0, int activation_0, int "
      "precision_0, "
      "Any weight_1, Any bias_1, int activation_1, int precision_1, Tensor? residual, int[]? "
      "normalized_shape, Tensor? norm_weight, Tensor? norm_bias, float eps) -> Tensor",
      fused_feed_forward},
     prepare_feed_forward},
    {{"calque::activation(Tensor input, int activation) -> Tensor", fused_activation}, nullptr},
    {{"calque::attention(Tensor query, Tensor key, Tensor value, Tensor? mask, Scalar? fill, float? scale, "
      "bool "
      "is_divisor, bool is_causal, bool is_sdpa, int precision, Tensor? offsets) -> Tensor",
      fused_attention},
     nullptr},
    {{"calque::embedding_sum(Tensor weight_0, Tensor indices_0, Tensor weight_1, Tensor indices_1, Tensor? "
      "weight_2, Tensor? indices_2, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps, bool "
      "in_place) -> Tensor",
      embedding_sum},
     nullptr},
    {{"calque::embedding_size(Tensor weight, Tensor indices, int dim) -> int", embedding_size}, nullptr},
    {{"calque::mean_pool(Tensor hidden, Tensor mask, int dtype, bool is_expanded, Scalar? least, Tensor? "
      "offsets, Tensor? rows, Tensor? like) -> Tensor",
      mean_pool},
     nullptr},
    {{"calque::normalize(Tensor input, int dim, Scalar least) -> Tensor", normalize}, nullptr},
    {{"calque::cat(Tensor[] tensors, int dim) -> Tensor", shared_cat}, nullptr},
    {{"calque::packing(Tensor input, Tensor mask, Scalar? fill, bool is_sdpa) -> (Tensor, Tensor)",
      token_packing},
     nullptr},
    {{"calque::pack_tokens(Tensor input, Tensor rows) -> Tensor", pack_tokens}, nullptr},
    {{"calque::unpack_tokens(Tensor packed, Tensor rows, Tensor like) -> Tensor", unpack_tokens}, nullptr},
};

struct Entry {
  explicit Entry(const FusedRow& row)
      : op(parse_schema(row.row.schema), row.row.reference), prepare(row.prepare) {}
  Operator op;
  void (*prepare)(std::span<const IValue> arguments);
};

const std::vector<std::unique_ptr<const Entry>>& entries() {
  static const std::vector<std::unique_ptr<const Entry>> all = [] {
    std::vector<std::unique_ptr<const Entry>> made;
    for (const FusedRow& row : kRows) made.push_back(std::make_unique<const Entry>(row));
    return made;
  }();
  return all;
}

}  // namespace

const Operator& fused_operator(std::string_view name) {
  for (const auto& entry : entries()) {
    if (entry->op.name() == name) return entry->op;
  }
  check(false, "fused_operator: unknown name");
  return entries().front()->op;
}

void prepare_fused(const Operator& op, std::span<const IValue> arguments) {
  for (const auto& entry : entries()) {
    if (&entry->op == &op && entry->prepare != nullptr) entry->prepare(arguments);
  }
}

}  // namespace calque::ops
