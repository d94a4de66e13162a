// softmax(query key^T * scale + mask) value in one operator.
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/attention/attention.h"
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
        is_sdpa(call.boolean(8)),
        arithmetic(static_cast<Arithmetic>(call.integer(9))),
        offsets(call.optional_tensor(10)) {
    if (!call[4].isNone()) fill = call[4].isTensor() ? call[4].toTensor() : number_tensor(call.scalar(4));
  }

  Tensor query, key, value;
  std::optional<Tensor> mask;
  std::optional<Tensor> fill;  ///< what a true element of the mask puts in the place of a score
  std::optional<double> scale;
  bool is_divisor, is_causal, is_sdpa;
  Arithmetic arithmetic;
  std::optional<Tensor> offsets;  ///< of token_packing()

  bool is_packed() const { return offsets && offsets->numel() > 1; }
  bool mask_is_void() const { return offsets && offsets->numel() == 1; }
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

/// [batch, heads, rows, size] whose rows lie at one distance through the batch; a copy when they do not.
Tensor with_even_rows(const Tensor& t) {
  const auto strides = t.strides();
  const bool dense = t.size(3) <= 1 || strides[3] == 1;
  if (dense && (t.size(0) == 1 || t.size(2) == 1 || strides[0] == t.size(2) * strides[2])) return t;
  return t.transpose(1, 2).contiguous().transpose(1, 2);
}

/// The distance of its rows: a dimension of one element says nothing by its stride.
int64_t row_stride(const Tensor& t) { return t.strides()[t.size(2) == 1 ? 0 : 2]; }

bool fits_kernel(const Attention& a) {
  for (const Tensor* t : {&a.query, &a.key, &a.value}) {
    if (t->dtype() != kFloat || t->dim() != 4 || t->numel() == 0) return false;
    if (t->size(0) != a.query.size(0) || t->size(1) != a.query.size(1)) return false;
  }
  return a.key.size(2) == a.value.size(2) && a.key.size(3) == a.query.size(3);
}

/// The mask as what is added to the scores, [., ., ., .] with strides of 0 where it is broadcast; nullopt
/// when it does not fit.
std::optional<Tensor> additive_mask(const Attention& a) {
  Tensor mask = *a.mask;
  const Dims wanted = {a.query.size(0), a.query.size(1), a.query.size(2), a.key.size(2)};
  if (mask.dim() > 4) return std::nullopt;
  while (mask.dim() < 4) mask = mask.unsqueeze(0);
  for (size_t d = 0; d < 4; ++d) {
    if (mask.sizes()[d] != 1 && mask.sizes()[d] != wanted[d]) return std::nullopt;
    // An expanded dimension is one place.
    if (mask.strides()[d] == 0 && mask.sizes()[d] > 1) mask = mask.slice(static_cast<int64_t>(d), 0, 1);
  }
  if (mask.dtype() == kBool) {
    if (!a.fill && !a.is_sdpa) return std::nullopt;
    const double excluded = a.fill ? a.fill->item().to_double() : -std::numeric_limits<double>::infinity();
    // Anything but a great negative number replaces the score, which an addition cannot.
    if (!(excluded <= std::numeric_limits<float>::lowest())) return std::nullopt;
    const Tensor flat = mask.contiguous();
    const Tensor bias = empty(mask.sizes(), kFloat);
    const auto* from = static_cast<const uint8_t*>(flat.raw_data());
    for (int64_t i = 0; i < bias.numel(); ++i) {
      bias.data_ptr<float>()[i] = (from[i] != 0) == a.is_sdpa ? 0.0F : static_cast<float>(excluded);
    }
    mask = bias;
  } else if (a.fill || mask.dtype() != kFloat) {
    return std::nullopt;
  }
  return mask.expand(wanted);
}

float scale_of(const Attention& a) {
  if (!a.scale) return static_cast<float>(1 / std::sqrt(static_cast<double>(a.query.size(3))));
  return static_cast<float>(a.is_divisor ? 1 / *a.scale : *a.scale);
}

std::vector<int64_t> even_offsets(int64_t batch, int64_t rows) {
  std::vector<int64_t> offsets;
  for (int64_t b = 0; b <= batch; ++b) offsets.push_back(b * rows);
  return offsets;
}

/// [batch, heads, rows, size], laid out as [batch, rows, heads, size]; nullopt when this goes step by step.
std::optional<Tensor> in_one(const Attention& a) {
  if (!fits_kernel(a)) return std::nullopt;
  std::optional<Tensor> mask;
  if (a.mask && !a.is_packed() && !a.mask_is_void()) {
    mask = additive_mask(a);
    if (!mask) return std::nullopt;
  }
  const Tensor q = with_even_rows(a.query), k = with_even_rows(a.key), v = with_even_rows(a.value);
  const int64_t batch = q.size(0), heads = q.size(1), rows = q.size(2), size = v.size(3);
  const Tensor out = empty({batch, rows, heads, size}, kFloat);
  const std::vector<int64_t> q_offsets = even_offsets(batch, rows),
                             k_offsets = even_offsets(batch, k.size(2));
  kernels::AttentionArgs args{.sequences = batch,
                              .heads = heads,
                              .head_size = q.size(3),
                              .value_size = size,
                              .q_offsets = q_offsets.data(),
                              .k_offsets = k_offsets.data(),
                              .q = q.data_ptr<float>(),
                              .q_row = row_stride(q),
                              .q_head = q.strides()[1],
                              .k = k.data_ptr<float>(),
                              .k_row = row_stride(k),
                              .k_head = k.strides()[1],
                              .v = v.data_ptr<float>(),
                              .v_row = row_stride(v),
                              .v_head = v.strides()[1],
                              .out = out.data_ptr<float>(),
                              .out_row = heads * size,
                              .out_head = size,
                              .scale = scale_of(a),
                              .causal = a.is_causal,
                              .empty_rows_are_zero = a.is_sdpa};
  if (a.is_packed()) {
    args.sequences = a.offsets->numel() - 1;
    args.q_offsets = args.k_offsets = a.offsets->data_ptr<int64_t>();
  }
  if (mask) {
    args.mask = mask->data_ptr<float>();
    args.mask_sequence = mask->strides()[0];
    args.mask_head = mask->strides()[1];
    args.mask_query = mask->strides()[2];
    args.mask_key = mask->strides()[3];
  }
  if (a.arithmetic == Arithmetic::kBFloat16 || a.arithmetic == Arithmetic::kInt8) {
    kernels::attention_bf16(args);
  } else {
    kernels::attention(args);
  }
  return out.transpose(1, 2);
}

}  // namespace

void fused_attention(OpCall& call) {
  const Attention attention(call);
  std::optional<Tensor> out = in_one(attention);
  call.ret(out ? std::move(*out) : step_by_step(attention));
}

}  // namespace calque::ops
