// Packed matrices as bytes, to be kept in a file and used from there without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/cpu.h"
#include "kernels/gemm/packed.h"
#include "kernels/gemm_bf16/packed_bf16.h"
#include "kernels/gemm_int8/packed_int8.h"
#include "kernels/gemm_weights/packed_weights.h"

namespace calque::kernels {

/// Goes up whenever the order of elements in any packed form changes: what was written by another version is
/// not read.
inline constexpr int64_t kPackedLayout = 1;

struct PackedPart {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keeper{};
};

/// The arrays of one packed matrix B[k, n], in the order in which its kernels read them.
struct PackedImage {
  int64_t k = 0;
  int64_t n = 0;
  Isa isa = Isa::kScalar;
  std::vector<PackedPart> parts{};
};

/// Views of what is packed, which must outlive them.
PackedImage image_of(const PackedB& packed);
PackedImage image_of(const PackedBf16& packed);
PackedImage image_of(const PackedInt8& packed);
PackedImage image_of(const PackedWeightsInt8& packed);
PackedImage image_of(const PackedWeightsInt4& packed);

/// The packed matrix over the image's bytes, which its keepers hold. nullopt unless there are as many bytes
/// in each part as packing such a matrix gives, at addresses that are multiples of 64, and the instruction
/// set is active. The numbers are taken as they are, like those of weights: wrong ones give wrong results,
/// and nothing worse.
template <class Packed>
std::optional<Packed> packed_of(const PackedImage& image) = delete;
template <>
std::optional<PackedB> packed_of(const PackedImage& image);
template <>
std::optional<PackedBf16> packed_of(const PackedImage& image);
template <>
std::optional<PackedInt8> packed_of(const PackedImage& image);
template <>
std::optional<PackedWeightsInt8> packed_of(const PackedImage& image);
template <>
std::optional<PackedWeightsInt4> packed_of(const PackedImage& image);

}  // namespace calque::kernels
