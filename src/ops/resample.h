// Resampling of images along their last dimensions.
#pragma once

#include <optional>
#include <vector>

#include "calque/tensor.h"

namespace calque::ops {

enum class Resampling {
  Nearest,
  NearestExact,
  Linear,
  Cubic,
  LinearAntialias,
  CubicAntialias,
  LanczosAntialias
};

struct ResampleArguments {
  Resampling mode = Resampling::Nearest;
  Dims output;  ///< sizes of the last dimensions
  std::vector<std::optional<double>>
      scales{};  ///< output / input as the caller gave it; nullopt: from the sizes
  bool align_corners = false;
};

/// [batch, channels, …] with the last dimensions resampled to `output`, one after the other.
Tensor resample(const Tensor& x, const ResampleArguments& arguments);

}  // namespace calque::ops
