// What Linear layers make of their weights once: kept with the weights, and in archives that are asked to
// hold it.
#pragma once

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "calque/tensor.h"
#include "kernels/packed_image.h"
#include "ops/fused.h"

namespace calque::ops {

/// The weights of layers with the same input, side by side, and their biases.
struct PackedLayers {
  /// In the order of Arithmetic.
  std::variant<kernels::PackedB, kernels::PackedBf16, kernels::PackedInt8, kernels::PackedWeightsInt8,
               kernels::PackedWeightsInt4>
      weights;
  std::vector<float> bias;  ///< empty when no layer has one
};

/// The kind, for derived_value(), of packed layers for an arithmetic.
const void* packed_kind(Arithmetic arithmetic);
/// The arithmetic of such a kind; nullopt for other kinds.
std::optional<Arithmetic> arithmetic_of_kind(const void* kind);

/// As bytes: the parts of the weights, then the bias. `layers` must outlive them.
kernels::PackedImage image_of(const PackedLayers& layers);
/// The other way round, in place where the image's keepers hold the bytes. nullptr when the image is not that
/// of packed layers for `arithmetic`, or not for the instruction set in use.
std::shared_ptr<const PackedLayers> packed_layers_of(Arithmetic arithmetic, kernels::PackedImage image);

}  // namespace calque::ops
