// Arithmetic of tensors that several families use.
#pragma once

#include "calque/tensor.h"

namespace calque::ops {

Tensor add(const Tensor& a, const Tensor& b, const Scalar& alpha = Scalar(1));
Tensor sub(const Tensor& a, const Tensor& b, const Scalar& alpha = Scalar(1));
Tensor mul(const Tensor& a, const Tensor& b);
/// True division: integers give float32.
Tensor div(const Tensor& a, const Tensor& b);
Tensor pow(const Tensor& base, const Tensor& exponent);
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

}  // namespace calque::ops
