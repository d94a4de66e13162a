#include "kernels/packed_image.h"

#include <algorithm>
#include <utility>

#include "kernels/gemm/pack.h"
#include "kernels/gemm_int8/gemm_int8.h"
#include "kernels/gemm_weights/float_rows.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

// Sizes stay far below what overflows.
constexpr int64_t kMostRows = int64_t{1} << 28;
constexpr int64_t kPairs = 2, kQuads = 4;

template <class T>
PackedPart part_of(const T* data, int64_t count) {
  return {.bytes = std::as_bytes(std::span(data, static_cast<size_t>(data == nullptr ? 0 : count)))};
}

template <class Packed>
PackedImage image_with(const Packed& packed, std::vector<PackedPart>&& parts) {
  return {.k = packed.k(), .n = packed.n(), .isa = packed.isa(), .parts = std::move(parts)};
}

/// Takes the parts of an image one by one.
class Parts {
 public:
  explicit Parts(const PackedImage& image) : image_(image) {}

  template <class T>
  AlignedBuffer<T> take(int64_t count) {
    if (!good_ || next_ == image_.parts.size()) return fail<T>();
    const PackedPart& part = image_.parts[next_++];
    const auto address = reinterpret_cast<uintptr_t>(part.bytes.data());
    const bool fits = part.bytes.size() == static_cast<size_t>(count) * sizeof(T) &&
                      address % static_cast<size_t>(AlignedBuffer<T>::kAlignment) == 0;
    if (!fits) return fail<T>();
    if (count == 0) return {};
    return AlignedBuffer<T>::view(reinterpret_cast<const T*>(part.bytes.data()), static_cast<size_t>(count),
                                  part.keeper);
  }
  /// Whether the next part is there and empty.
  bool is_empty() const { return next_ < image_.parts.size() && image_.parts[next_].bytes.empty(); }
  bool are_good() const { return good_ && next_ == image_.parts.size(); }

 private:
  template <class T>
  AlignedBuffer<T> fail() {
    good_ = false;
    return {};
  }

  const PackedImage& image_;
  size_t next_ = 0;
  bool good_ = true;
};

bool is_usable(const PackedImage& image) {
  return image.isa == active_isa() && image.k >= 0 && image.k <= kMostRows && image.n >= 0 &&
         image.n <= kMostRows;
}

int64_t words_of(const PackedImage& image, int64_t column_words, const WordKernels& kernels) {
  return column_words * round_up(image.n, kernels.width);
}

/// Kernels subtract multiples of these sums, in int32.
bool are_sums(const AlignedBuffer<int32_t>& sums, int64_t k) {
  const auto most = static_cast<int32_t>(128 * k);
  return std::all_of(sums.data(), sums.data() + sums.size(),
                     [&](int32_t sum) { return sum >= -most && sum <= most; });
}

}  // namespace

PackedImage image_of(const PackedB& packed) {
  const auto count = packed.bytes() / static_cast<int64_t>(sizeof(float));
  return image_with(packed, {part_of(packed.data(), count)});
}

PackedImage image_of(const PackedBf16& packed) {
  const auto count = packed.bytes() / static_cast<int64_t>(sizeof(uint32_t));
  return image_with(packed, {part_of(packed.data(), count)});
}

PackedImage image_of(const PackedInt8& packed) {
  const int64_t k = packed.k(), n = packed.n();
  const WordKernels& kernels = *kernel_set(packed.isa()).int8;
  return image_with(packed,
                    {part_of(packed.data(), div_up(k, kQuads) * round_up(n, kernels.width)),
                     part_of(packed.scales(), n), part_of(packed.sums(), n), part_of(packed.factors(), k)});
}

PackedImage image_of(const PackedWeightsInt8& packed) {
  const int64_t k = packed.k(), n = packed.n();
  const WordKernels& kernels = *kernel_set(packed.isa()).weights_int8;
  return image_with(packed, {part_of(packed.data(), div_up(k, kQuads) * round_up(n, kernels.width)),
                             part_of(packed.scales(), n)});
}

PackedImage image_of(const PackedWeightsInt4& packed) {
  const auto count = packed.bytes() / static_cast<int64_t>(sizeof(uint32_t));
  return image_with(packed, {part_of(packed.data(), count)});
}

template <>
std::optional<PackedB> packed_of(const PackedImage& image) {
  if (!is_usable(image)) return std::nullopt;
  Parts parts(image);
  auto data = parts.take<float>(image.k * round_up(image.n, active_kernels().gemm_f32->width));
  if (!parts.are_good()) return std::nullopt;
  return PackedB(image.k, image.n, image.isa, std::move(data));
}

template <>
std::optional<PackedBf16> packed_of(const PackedImage& image) {
  if (!is_usable(image)) return std::nullopt;
  Parts parts(image);
  auto data = parts.take<uint32_t>(words_of(image, div_up(image.k, kPairs), *active_kernels().bf16));
  if (!parts.are_good()) return std::nullopt;
  return PackedBf16(image.k, image.n, image.isa, std::move(data));
}

template <>
std::optional<PackedInt8> packed_of(const PackedImage& image) {
  if (!is_usable(image) || image.k > kMaxInt8Depth) return std::nullopt;
  Parts parts(image);
  PackedInt8::Data data;
  data.words = parts.take<uint32_t>(words_of(image, div_up(image.k, kQuads), *active_kernels().int8));
  data.scales = parts.take<float>(image.n);
  data.sums = parts.take<int32_t>(image.n);
  data.factors = parts.take<float>(parts.is_empty() ? 0 : image.k);
  if (!parts.are_good() || !are_sums(data.sums, image.k)) return std::nullopt;
  return PackedInt8(image.k, image.n, image.isa, std::move(data));
}

template <>
std::optional<PackedWeightsInt8> packed_of(const PackedImage& image) {
  if (!is_usable(image)) return std::nullopt;
  Parts parts(image);
  auto words = parts.take<uint32_t>(words_of(image, div_up(image.k, kQuads), *active_kernels().weights_int8));
  auto scales = parts.take<float>(image.n);
  if (!parts.are_good()) return std::nullopt;
  return PackedWeightsInt8(image.k, image.n, image.isa, std::move(words), std::move(scales));
}

template <>
std::optional<PackedWeightsInt4> packed_of(const PackedImage& image) {
  if (!is_usable(image)) return std::nullopt;
  Parts parts(image);
  const int64_t column_words = div_up(image.k, kInt4Group) * kInt4GroupWords;
  auto words = parts.take<uint32_t>(words_of(image, column_words, *active_kernels().weights_int4));
  if (!parts.are_good()) return std::nullopt;
  return PackedWeightsInt4(image.k, image.n, image.isa, std::move(words), {});
}

}  // namespace calque::kernels
