// Attention masks of encoders: 1 for tokens, 0 for padding -> what is added to the scores.
#pragma once

#include <optional>

#include "calque/tensor.h"
#include "calque/transformers.h"

namespace calque::models {

/// Whether attention runs as one scaled_dot_product_attention; Transformers falls back to the plain form for
/// what that operator cannot give.
bool uses_sdpa(const transformers::BertConfig& config);

/// The most negative finite number of a floating-point dtype.
double lowest(ScalarType dtype);

/// (batch, length) or (batch, length, length) of any dtype -> (batch, 1, 1 or length, length) in the dtype of
/// `hidden`: 0 where the mask is 1, the lowest number where it is 0. ValueError for other ranks.
Tensor extended_attention_mask(const Tensor& attention_mask, const Tensor& hidden);

/// The same for scaled_dot_product_attention: every value other than 1 masks out.
Tensor sdpa_attention_mask(const Tensor& attention_mask, const Tensor& hidden);

}  // namespace calque::models
