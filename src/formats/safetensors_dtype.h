// The element types of safetensors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace calque {

/// The key of a header that holds text about the file, so never the name of a tensor.
inline constexpr std::string_view kSafetensorsMetadataKey = "__metadata__";

struct SafetensorsDtype {
  std::string_view name;
  uint32_t bits;
};

/// In the reference writer's order: files hold the last ones first.
std::span<const SafetensorsDtype> safetensors_dtypes();

/// nullptr when there is none of that name.
const SafetensorsDtype* find_safetensors_dtype(std::string_view name);

/// Bytes of a tensor; nullopt when that overflows, a dimension is negative, or the elements do not fill whole
/// bytes.
std::optional<uint64_t> safetensors_data_size(const SafetensorsDtype& dtype, std::span<const int64_t> shape);

}  // namespace calque
