// Element-wise functions of one tensor that several families use.
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

Tensor abs(const Tensor& x);
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor isnan(const Tensor& x);
Tensor sigmoid(const Tensor& x);

}  // namespace calque::ops
