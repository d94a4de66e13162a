#include "ops/attention.h"

#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/arithmetic.h"
#include "ops/matmul.h"
#include "ops/softmax.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "tensor/copy.h"
#include "tensor/dtype.h"
#include "tensor/element.h"
#include "tensor/shape.h"

namespace calque::ops {

namespace {

std::string_view short_name(ScalarType dtype) {
  switch (dtype) {
    case kFloat:
      return "float";
    case kDouble:
      return "double";
    case kLong:
      return "long int";
    case kInt:
      return "int";
    case kHalf:
      return "c10::Half";
    case kBFloat16:
      return "c10::BFloat16";
    default:
      return dtype_name(dtype);
  }
}

void check_arguments(const AttentionArguments& a) {
  if (a.query.dtype() != a.key.dtype() || a.query.dtype() != a.value.dtype()) {
    throw RuntimeError(cat("Expected query, key, and value to have the same dtype, but got query.dtype: ",
                           short_name(a.query.dtype()), " key.dtype: ", short_name(a.key.dtype()),
                           " and value.dtype: ", short_name(a.value.dtype()), " instead."));
  }
  if (a.query.dim() < 2 || a.key.dim() < 2 || a.value.dim() < 2) {
    throw RuntimeError(
        cat("Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: ",
            a.query.dim(), " key.dim: ", a.key.dim(), " and value.dim: ", a.value.dim(), " instead."));
  }
  if (!a.query.is_floating_point()) {
    throw RuntimeError(cat("expected scalar type Float but found ", dtype_cpp_name(a.query.dtype())));
  }
  if (a.mask && a.mask->dtype() != kBool && a.mask->dtype() != kFloat && a.mask->dtype() != a.query.dtype()) {
    throw RuntimeError(
        cat("Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: ",
            short_name(a.mask->dtype()), " and  query.dtype: ", short_name(a.query.dtype()), " instead."));
  }
}

/// Repeats heads so that every query head has its own.
Tensor repeat_heads(const Tensor& t, int64_t heads) {
  const int64_t own = t.size(-3);
  if (own == heads) return t;
  if (own == 0 || heads % own != 0) {
    throw RuntimeError("Number of heads in key and value must divide the number of heads in query");
  }
  Dims sizes = to_dims(t.sizes());
  sizes.insert(sizes.end() - 2, heads / own);
  Dims joined = to_dims(t.sizes());
  joined[joined.size() - 3] = heads;
  return t.unsqueeze(-3).expand(sizes).reshape(joined);
}

/// Scores of masked places become -inf.
void apply_causal(const Tensor& scores) {
  const int64_t keys = scores.size(-1);
  const int64_t queries = scores.size(-2);
  dispatch_floating(scores.dtype(), "attention", [&]<class T>(TypeTag<T>) {
    T* p = elements<T>(scores);
    for (int64_t at = 0; at < scores.numel(); at += keys) {
      for (int64_t j = at / keys % queries + 1; j < keys; ++j) {
        p[at + j] = Element<T>::store(-std::numeric_limits<OpType<T>>::infinity());
      }
    }
  });
}

Tensor bias_of(const Tensor& mask, ScalarType dtype) {
  if (mask.dtype() != kBool) return mask.to(dtype);
  const Tensor bias = zeros(mask.sizes(), dtype);
  const Tensor flat = mask.contiguous();
  dispatch_floating(dtype, "attention", [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < bias.numel(); ++i) {
      if (elements<uint8_t>(flat)[i] != 0) continue;
      elements<T>(bias)[i] = Element<T>::store(-std::numeric_limits<OpType<T>>::infinity());
    }
  });
  return bias;
}

/// Rows of -inf only have no softmax; they give 0.
void zero_masked_rows(const Tensor& scores, const Tensor& weights) {
  const int64_t keys = scores.size(-1);
  dispatch_floating(scores.dtype(), "attention", [&]<class T>(TypeTag<T>) {
    const T* s = elements<T>(scores);
    T* w = elements<T>(weights);
    for (int64_t at = 0; keys > 0 && at < scores.numel(); at += keys) {
      bool masked = true;
      for (int64_t j = 0; masked && j < keys; ++j) {
        masked = Element<T>::load(s[at + j]) == -std::numeric_limits<OpType<T>>::infinity();
      }
      if (masked) std::fill_n(w + at, keys, T{});
    }
  });
}

}  // namespace

Tensor scaled_dot_product_attention(const AttentionArguments& a) {
  check_arguments(a);
  // 16-bit inputs are computed in float32 and rounded once.
  const ScalarType dtype = a.query.dtype() == kDouble ? kDouble : kFloat;
  const Tensor query = a.query.to(dtype);
  Tensor key = a.key.to(dtype);
  Tensor value = a.value.to(dtype);
  if (a.enable_gqa) {
    if (a.query.dim() < 3 || a.key.dim() < 3 || a.value.dim() < 3) {
      throw RuntimeError("enable_gqa expects query, key and value with a dimension of heads");
    }
    key = repeat_heads(key, query.size(-3));
    value = repeat_heads(value, query.size(-3));
  }
  const double scale = a.scale.value_or(1 / std::sqrt(static_cast<double>(query.size(-1))));
  Tensor scores = matmul(mul(query, number_tensor(Scalar(scale))), key.transpose(-2, -1));
  if (a.is_causal) apply_causal(scores);
  if (a.mask) {
    const Tensor bias = bias_of(*a.mask, dtype);
    check_broadcasts_to(bias, scores.sizes());
    scores = add(scores, bias).contiguous();
  }
  Tensor weights = softmax(scores, -1);
  if (a.mask) zero_masked_rows(scores, weights);
  return matmul(weights, value).to(a.query.dtype());
}

namespace {

void attention_op(OpCall& c) {
  const double dropout = c.number(4);
  if (!(dropout >= 0 && dropout <= 1)) {
    throw RuntimeError(cat("dropout probability has to be between 0 and 1, but got ", dropout));
  }
  if (dropout > 0) {
    throw NotImplementedError(
        "scaled_dot_product_attention with dropout_p > 0 would draw random numbers: call eval() on the "
        "module before it is "
        "traced or scripted, or pass dropout_p=0");
  }
  c.ret(scaled_dot_product_attention({.query = c.tensor(0),
                                      .key = c.tensor(1),
                                      .value = c.tensor(2),
                                      .mask = c.optional_tensor(3),
                                      .is_causal = c.boolean(5),
                                      .scale = c[6].isNone() ? std::nullopt : std::optional(c.number(6)),
                                      .enable_gqa = c.boolean(7)}));
}

constexpr OpRow kAttentionOps[] = {
    {"aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
     "float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor",
     attention_op},
};

}  // namespace

OpTable attention_ops() { return kAttentionOps; }

}  // namespace calque::ops
