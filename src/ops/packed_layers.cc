#include "ops/packed_layers.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace calque::ops {

namespace {

/// The addresses stand for the kinds of packed weights, one for each Arithmetic.
const std::array<char, 5> kPackedKinds{};

template <class Packed>
bool restore(const kernels::PackedImage& image, PackedLayers& layers) {
  std::optional<Packed> packed = kernels::packed_of<Packed>(image);
  if (packed) layers.weights = std::move(*packed);
  return packed.has_value();
}

bool restore(Arithmetic arithmetic, const kernels::PackedImage& image, PackedLayers& layers) {
  switch (arithmetic) {
    case Arithmetic::kFloat32:
      return restore<kernels::PackedB>(image, layers);
    case Arithmetic::kBFloat16:
      return restore<kernels::PackedBf16>(image, layers);
    case Arithmetic::kInt8:
      return restore<kernels::PackedInt8>(image, layers);
    case Arithmetic::kInt8Weights:
      return restore<kernels::PackedWeightsInt8>(image, layers);
    case Arithmetic::kInt4Weights:
      return restore<kernels::PackedWeightsInt4>(image, layers);
  }
  return false;
}

}  // namespace

const void* packed_kind(Arithmetic arithmetic) { return &kPackedKinds.at(static_cast<size_t>(arithmetic)); }

std::optional<Arithmetic> arithmetic_of_kind(const void* kind) {
  for (size_t i = 0; i < kPackedKinds.size(); ++i) {
    if (kind == &kPackedKinds[i]) return static_cast<Arithmetic>(i);
  }
  return std::nullopt;
}

kernels::PackedImage image_of(const PackedLayers& layers) {
  kernels::PackedImage image =
      std::visit([](const auto& weights) { return kernels::image_of(weights); }, layers.weights);
  image.parts.push_back({.bytes = std::as_bytes(std::span(layers.bias))});
  return image;
}

std::shared_ptr<const PackedLayers> packed_layers_of(Arithmetic arithmetic, kernels::PackedImage image) {
  if (image.parts.empty()) return nullptr;
  const std::span<const std::byte> bias = image.parts.back().bytes;
  image.parts.pop_back();
  auto layers = std::make_shared<PackedLayers>();
  if (!restore(arithmetic, image, *layers)) return nullptr;
  if (!bias.empty()) {
    if (bias.size() != static_cast<size_t>(image.n) * sizeof(float)) return nullptr;
    layers->bias.resize(static_cast<size_t>(image.n));
    std::memcpy(layers->bias.data(), bias.data(), bias.size());
  }
  return layers;
}

}  // namespace calque::ops
