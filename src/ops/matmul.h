// Matrix products.
#pragma once

#include <optional>

#include "calque/tensor.h"

namespace calque::ops {

/// torch.matmul for all rank combinations.
Tensor matmul(const Tensor& a, const Tensor& b);

/// [..., m, k] x [..., k, n] with the batch dimensions broadcast; contiguous. Ranks at least 2, dtypes alike
/// and not bool, inner sizes equal: the caller has checked.
Tensor batched_product(const Tensor& a, const Tensor& b);

/// x w^T + bias.
Tensor linear(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias);

}  // namespace calque::ops
