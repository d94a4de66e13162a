// Packed parameters of a dynamically quantised Linear: what `quantized::linear_prepack` gives.
#pragma once

#include <optional>

#include "calque/ivalue.h"

namespace calque::ops {

struct LinearParameters {
  Tensor weight;  ///< [n, k]: qint8, or float32 that holds float16 values
  std::optional<Tensor> bias;
};

/// An object of linear_packed_params_type() for a qint8 weight with one scale, or one for each row, or (as
/// linear_prepack_fp16) for a float32 weight, which is rounded to float16. RuntimeError, with PyTorch's text
/// where it has one, for anything else.
Ref<ObjectImpl> pack_linear(const LinearParameters& parameters);

/// What pack_linear was given; the float weight rounded. RuntimeError for an object that it did not make.
LinearParameters unpack_linear(const ObjectImpl& packed);
/// The object of such a value; RuntimeError for any other.
const ObjectImpl& packed_object(const IValue& value);

struct LinearDynamicOptions {
  bool reduce_range = false;
  bool relu = false;
};

/// x[..., k] -> [..., n] in float32. The activations are quantised to bytes with one scale for the whole of x
/// (of quint8; half its range with reduce_range), the sums are exact; a float weight computes in float32
/// instead. RuntimeError with PyTorch's text for wrong shapes and dtypes. Source: fbgemm's
/// PackedLinearWeight::apply_dynamic.
Tensor linear_dynamic(const Tensor& x, const ObjectImpl& packed, const LinearDynamicOptions& options);

}  // namespace calque::ops
