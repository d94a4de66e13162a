// softmax(query key^T * scale + mask) value in one operator.
#include <cmath>

#include "ops/arithmetic.h"
#include "ops/attention.h"
#include "ops/fused.h"
#include "ops/matmul.h"
#include "ops/softmax.h"
#include "ops/support.h"

namespace calque::ops {

namespace {

/// The arguments of one call; see the schema in fused.cc.
struct Attention {
  explicit Attention(const OpCall& call)
      : query(call.tensor(0)),
        key(call.tensor(1)),
        value(call.tensor(2)),
        mask(call.optional_tensor(3)),
        scale(call[5].isNone() ? std::nullopt : std::optional(call.number(5))),
        is_divisor(call.boolean(6)),
        is_causal(call.boolean(7)),
        is_sdpa(call.boolean(8)) {
    if (!call[4].isNone()) fill = call[4].isTensor() ? call[4].toTensor() : number_tensor(call.scalar(4));
  }

  Tensor query, key, value;
  std::optional<Tensor> mask;
  std::optional<Tensor> fill;  ///< what a true element of the mask puts in the place of a score
  std::optional<double> scale;
  bool is_divisor, is_causal, is_sdpa;
};

Tensor step_by_step(const Attention& a) {
  if (a.is_sdpa) {
    return scaled_dot_product_attention({.query = a.query,
                                         .key = a.key,
                                         .value = a.value,
                                         .mask = a.mask,
                                         .is_causal = a.is_causal,
                                         .scale = a.scale});
  }
  Tensor scores = matmul(a.query, a.key.transpose(-2, -1));
  if (a.scale && *a.scale != 1) {
    const Tensor number = number_tensor(Scalar(*a.scale));
    scores = a.is_divisor ? div(scores, number) : mul(scores, number);
  }
  if (a.mask && a.fill) {
    static const Operator& masked_fill = *find_operator("aten::masked_fill.Tensor");
    scores = call_operator(masked_fill, {scores, *a.mask, *a.fill})[0].toTensor();
  } else if (a.mask) {
    scores = add(scores, *a.mask);
  }
  return matmul(softmax(scores, -1), a.value);
}

}  // namespace

void fused_attention(OpCall& call) { call.ret(step_by_step(Attention(call))); }

}  // namespace calque::ops
