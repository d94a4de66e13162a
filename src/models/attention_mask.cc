#include "models/attention_mask.h"

#include "base/text.h"
#include "calque/error.h"
#include "nn/functional.h"

namespace calque::models {
namespace {

/// With dimensions for heads (and queries).
Tensor broadcastable(const Tensor& attention_mask) {
  if (attention_mask.dim() == 2) {
    return nn::named("extended_attention_mask", nn::unsqueeze(nn::unsqueeze(attention_mask, 1), 2));
  }
  if (attention_mask.dim() == 3) {
    return nn::named("extended_attention_mask", nn::unsqueeze(attention_mask, 1));
  }
  throw ValueError(cat("Wrong shape for attention_mask (shape ", attention_mask.sizes(),
                       "): expected (batch, length) or (batch, length, length)"));
}

/// The mask in the dtype of `hidden`. Each call is recorded where it is evaluated, and compilers evaluate the
/// arguments of one call in different orders: as one expression this would not be the same program
/// everywhere.
Tensor mask_like(const Tensor& hidden, const Tensor& attention_mask) {
  const nn::Computed dtype = nn::dtype(hidden);
  return nn::to(broadcastable(attention_mask), dtype);
}

}  // namespace

bool uses_sdpa(const transformers::BertConfig& config) {
  return config.attn_implementation == "sdpa" && config.position_embedding_type == "absolute" &&
         !config.output_attentions;
}

double lowest(ScalarType dtype) {
  switch (dtype) {
    case kHalf:
      return -65504.0;
    case kBFloat16:
      return -3.3895313892515355e+38;
    case kDouble:
      return -1.7976931348623157e+308;
    default:
      return -3.4028234663852886e+38;
  }
}

Tensor extended_attention_mask(const Tensor& attention_mask, const Tensor& hidden) {
  const Tensor mask = mask_like(hidden, attention_mask);
  return nn::named("attention_mask", nn::mul(nn::rsub(mask, 1.0), lowest(hidden.dtype())));
}

Tensor sdpa_attention_mask(const Tensor& attention_mask, const Tensor& hidden) {
  if (attention_mask.dim() != 2) return extended_attention_mask(attention_mask, hidden);
  const Tensor expanded_mask = mask_like(hidden, attention_mask);
  const Tensor inverted_mask = nn::named("inverted_mask", nn::rsub(expanded_mask, 1.0));
  return nn::named("attention_mask",
                   nn::masked_fill(inverted_mask, nn::to(inverted_mask, kBool), lowest(hidden.dtype())));
}

}  // namespace calque::models
