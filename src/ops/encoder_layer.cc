// Fused operators of nn.MultiheadAttention and nn.TransformerEncoderLayer. Source of rules and texts:
// PyTorch's native/transformers/attention.cpp and transformer.cpp.
#include <array>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "ops/activation.h"
#include "ops/arithmetic.h"
#include "ops/join.h"
#include "ops/masked.h"
#include "ops/matmul.h"
#include "ops/nested.h"
#include "ops/norm.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/support.h"
#include "ops/tables.h"
#include "ops/unary.h"

namespace calque::ops {

namespace {

struct HeadProjections {
  int64_t embed_dim = 0;
  int64_t heads = 0;
  Tensor qkv_weight;  ///< [3 * embed_dim, embed_dim]
  Tensor qkv_bias;    ///< [3 * embed_dim]
  Tensor out_weight;  ///< [embed_dim, embed_dim]
  Tensor out_bias;    ///< [embed_dim]
};

/// True places are hidden. `type`: 0 [length, length], 1 [batch, length], 2 as the scores; only masks of two
/// dimensions need it.
struct HeadMask {
  std::optional<Tensor> mask;
  std::optional<int64_t> type;
};

struct HeadResults {
  Tensor output;   ///< [batch, length, embed_dim]
  Tensor weights;  ///< [batch, heads, length, length]
};

void check_query(const Tensor& query, const Tensor& key, const Tensor& value, int64_t embed_dim) {
  if (query.dim() != 3) throw RuntimeError(cat("expected 3-D `query`, got ", query.dim(), "-D tensor"));
  if (query.sizes()[2] != embed_dim) {
    throw RuntimeError(
        cat("passed-in embed_dim ", embed_dim, " didn't match last dim of query ", query.sizes()[2]));
  }
  for (const Tensor& other : {key, value}) {
    if (to_dims(other.sizes()) != to_dims(query.sizes())) {
      throw RuntimeError("expected `query`/`key`/`value` shapes to match");
    }
  }
}

void check_projections(const HeadProjections& p) {
  const int64_t d = p.embed_dim;
  if (p.qkv_weight.dim() != 2) {
    throw RuntimeError(cat("expected 2-D `qkv_weight`, got ", p.qkv_weight.dim(), "-D tensor"));
  }
  if (p.qkv_weight.sizes()[0] != 3 * d) {
    throw RuntimeError("expected `qkv_weight` first dim to be 3x embed_dim");
  }
  if (p.qkv_weight.sizes()[1] != d) {
    throw RuntimeError("expected `qkv_weight` second dim to be embed_Dim");
  }
  if (p.qkv_bias.dim() != 1) {
    throw RuntimeError(cat("expected 1-D `qkv_bias`, got ", p.qkv_bias.dim(), "-D tensor"));
  }
  if (p.qkv_bias.sizes()[0] != 3 * d) {
    throw RuntimeError("expected `qkv_bias` first dim and first dim of query to be equal");
  }
  if (p.heads <= 0 || d % p.heads != 0) {
    throw RuntimeError("`embed_dim` must divide evenly by `num_heads`");
  }
}

/// The mask as one that broadcasts to scores[batch, heads, length, length].
Tensor mask_of_scores(const HeadMask& given, const Tensor& scores) {
  Tensor mask = given.mask->to(kBool);
  const std::optional<int64_t> type = mask.dim() == 2 ? given.type : 2;
  if (!type) throw RuntimeError("Mask Type should be defined");
  if (*type < 0 || *type > 2) {
    throw RuntimeError("Mask Type should be 0 (src_mask) or 1 (src_key_padding_mask), or 2 (default_mask)");
  }
  const int64_t batch = scores.sizes()[0];
  const int64_t length = scores.sizes()[2];
  if (*type == 2) {
    if (to_dims(mask.sizes()) == to_dims(scores.sizes())) return mask;
    throw RuntimeError("For mask_type == 2 mask shape should match input shape");
  }
  if (*type == 1) {
    if (to_dims(mask.sizes()) == Dims{batch, length}) return mask.unsqueeze(1).unsqueeze(1);
    throw RuntimeError("For mask_type == 1 mask shape should be (B, L)");
  }
  if (to_dims(mask.sizes()) == Dims{length, length}) return mask;
  throw RuntimeError("For mask_type == 0 mask shape should be (L, L)");
}

/// Projection `which` (0 query, 1 key, 2 value) of x[batch, length, d], as [batch, heads, length, d / heads].
Tensor project(const Tensor& x, const HeadProjections& p, int64_t which) {
  const int64_t from = which * p.embed_dim;
  const int64_t to = from + p.embed_dim;
  const Tensor out = linear(x, p.qkv_weight.slice(0, from, to), p.qkv_bias.slice(0, from, to));
  return out.reshape(Dims{x.sizes()[0], x.sizes()[1], p.heads, p.embed_dim / p.heads}).transpose(1, 2);
}

HeadResults attend(const Tensor& query, const Tensor& key, const Tensor& value, const HeadProjections& p,
                   const HeadMask& mask) {
  check_query(query, key, value, p.embed_dim);
  check_projections(p);
  const int64_t head_size = p.embed_dim / p.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(head_size));
  const Tensor q = mul(project(query, p, 0), number_tensor(Scalar(scale)));
  const Tensor scores = matmul(q, project(key, p, 1).transpose(-2, -1)).contiguous();
  if (mask.mask) {
    fill_masked(scores, mask_of_scores(mask, scores), Scalar(-std::numeric_limits<double>::infinity()));
  }
  Tensor weights = softmax(scores, -1);
  const Tensor context = matmul(weights, project(value, p, 2)).transpose(1, 2);
  return {.output = linear(context.reshape(query.sizes()), p.out_weight, p.out_bias), .weights = weights};
}

/// Mean over the heads: [batch, length, length].
Tensor mean_of_heads(const Tensor& weights) {
  const Tensor total = sum(weights, one_dim(1, weights.dim(), false), weights.dtype());
  return div(total, number_tensor(Scalar(weights.sizes()[1])));
}

HeadProjections head_projections(const OpCall& c, size_t embed_dim) {
  return {.embed_dim = c.integer(embed_dim),
          .heads = c.integer(embed_dim + 1),
          .qkv_weight = c.tensor(embed_dim + 2),
          .qkv_bias = c.tensor(embed_dim + 3),
          .out_weight = c.tensor(embed_dim + 4),
          .out_bias = c.tensor(embed_dim + 5)};
}

void native_multi_head_attention(OpCall& c) {
  const Tensor query = c.tensor(0);
  const HeadProjections projections = head_projections(c, 3);
  const HeadMask mask = {.mask = c.optional_tensor(9), .type = c.optional_int(12)};
  const HeadResults results = attend(query, c.tensor(1), c.tensor(2), projections, mask);
  c.ret(results.output, 0);
  // PyTorch gives no weights for an empty batch either.
  const bool wanted = c.boolean(10) && query.numel() != 0;
  c.ret(!wanted ? IValue() : IValue(c.boolean(11) ? mean_of_heads(results.weights) : results.weights), 1);
}

struct EncoderLayer {
  HeadProjections attention;
  HeadMask mask;
  bool use_gelu = false;
  bool norm_first = false;
  double eps = 0;
  std::array<Tensor, 2> norm_weight;
  std::array<Tensor, 2> norm_bias;
  std::array<Tensor, 2> ffn_weight;
  std::array<Tensor, 2> ffn_bias;
};

Tensor normalise(const EncoderLayer& layer, size_t which, const Tensor& x) {
  return layer_norm(x, Dims{layer.attention.embed_dim}, layer.norm_weight[which], layer.norm_bias[which],
                    layer.eps);
}

Tensor feed_forward(const EncoderLayer& layer, const Tensor& x) {
  const Tensor inner = linear(x, layer.ffn_weight[0], layer.ffn_bias[0]);
  return linear(layer.use_gelu ? gelu(inner) : relu(inner), layer.ffn_weight[1], layer.ffn_bias[1]);
}

/// src[batch, length, embed_dim] -> the same shape.
Tensor encode(const EncoderLayer& layer, const Tensor& src) {
  const Tensor in = layer.norm_first ? normalise(layer, 0, src) : src;
  Tensor x = add(attend(in, in, in, layer.attention, layer.mask).output, src);
  if (!layer.norm_first) x = normalise(layer, 0, x);
  const Tensor fed = feed_forward(layer, layer.norm_first ? normalise(layer, 1, x) : x);
  x = add(fed, x);
  return layer.norm_first ? x : normalise(layer, 1, x);
}

/// Each sequence by itself: nothing is padded.
NestedTensor encode_nested(const EncoderLayer& layer, const NestedTensor& src) {
  if (layer.mask.mask) throw RuntimeError("NestedTensor with mask is not supported yet");
  std::vector<Tensor> sequences;
  int64_t at = 0;
  for (const int64_t length : src.lengths) {
    if (length > 0) {
      sequences.push_back(encode(layer, src.rows.slice(0, at, at + length).unsqueeze(0)).select(0, 0));
    }
    at += length;
  }
  return {.rows = sequences.empty() ? src.rows : concatenate(sequences, 0), .lengths = src.lengths};
}

void transformer_encoder_layer_fwd(OpCall& c) {
  const EncoderLayer layer = {.attention = head_projections(c, 1),
                              .mask = {.mask = c.optional_tensor(18), .type = c.optional_int(19)},
                              .use_gelu = c.boolean(7),
                              .norm_first = c.boolean(8),
                              .eps = c.number(9),
                              .norm_weight = {c.tensor(10), c.tensor(12)},
                              .norm_bias = {c.tensor(11), c.tensor(13)},
                              .ffn_weight = {c.tensor(14), c.tensor(16)},
                              .ffn_bias = {c.tensor(15), c.tensor(17)}};
  if (is_nested(c[0])) return c.ret(nested_value(encode_nested(layer, nested_of(c[0]))));
  const Tensor src = c.tensor(0);
  c.ret(src.numel() == 0 ? src.clone() : encode(layer, src));
}

constexpr OpRow kEncoderLayerOps[] = {
    {"aten::_native_multi_head_attention(Tensor query, Tensor key, Tensor value, int embed_dim, int "
     "num_head, "
     "Tensor qkv_weight, Tensor qkv_bias, Tensor proj_weight, Tensor proj_bias, Tensor? mask=None, bool "
     "need_weights=True, bool average_attn_weights=True, int? mask_type=None) -> (Tensor, Tensor)",
     native_multi_head_attention},
    {"aten::_transformer_encoder_layer_fwd(Tensor src, int embed_dim, int num_heads, Tensor qkv_weight, "
     "Tensor "
     "qkv_bias, Tensor proj_weight, Tensor proj_bias, bool use_gelu, bool norm_first, float eps, Tensor "
     "norm_weight_1, Tensor norm_bias_1, Tensor norm_weight_2, Tensor norm_bias_2, Tensor ffn_weight_1, "
     "Tensor "
     "ffn_bias_1, Tensor ffn_weight_2, Tensor ffn_bias_2, Tensor? mask=None, int? mask_type=None) -> Tensor",
     transformer_encoder_layer_fwd},
};

}  // namespace

OpTable encoder_layer_ops() { return kEncoderLayerOps; }

}  // namespace calque::ops
