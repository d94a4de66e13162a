// Scaled dot-product attention.
#pragma once

#include <optional>

#include "calque/tensor.h"

namespace calque::ops {

struct AttentionArguments {
  Tensor query, key, value;       ///< [..., L, E], [..., S, E], [..., S, V]
  std::optional<Tensor> mask{};   ///< bool (true takes part) or float (added), broadcast to [..., L, S]
  bool is_causal = false;         ///< key j takes part for query i when j <= i
  std::optional<double> scale{};  ///< 1 / sqrt(E) when absent
  bool enable_gqa = false;        ///< keys and values may have fewer heads (dimension -3) than queries
};

/// softmax(query key^T * scale + mask) value (Vaswani et al., arXiv 1706.03762). A row that the mask leaves
/// nothing gives 0.
Tensor scaled_dot_product_attention(const AttentionArguments& args);

}  // namespace calque::ops
