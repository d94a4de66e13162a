#include "formats/safetensors_dtype.h"

#include "base/checked.h"
#include "formats/safetensors.h"

namespace calque {

namespace {

constexpr SafetensorsDtype kDtypes[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
};

}  // namespace

std::span<const SafetensorsDtype> safetensors_dtypes() { return kDtypes; }

const SafetensorsDtype* find_safetensors_dtype(std::string_view name) {
  for (const SafetensorsDtype& dtype : kDtypes) {
    if (dtype.name == name) return &dtype;
  }
  return nullptr;
}

uint32_t safetensors_dtype_bits(std::string_view dtype) {
  const SafetensorsDtype* found = find_safetensors_dtype(dtype);
  return found != nullptr ? found->bits : 0;
}

std::optional<uint64_t> safetensors_data_size(const SafetensorsDtype& dtype, std::span<const int64_t> shape) {
  // One factor after the other, as the reference does: it refuses an overflow even where a later factor is 0.
  uint64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    const auto product = checked_mul(count, static_cast<uint64_t>(size));
    if (!product) return std::nullopt;
    count = *product;
  }
  const auto bits = checked_mul(count, uint64_t{dtype.bits});
  if (!bits || *bits % 8 != 0) return std::nullopt;
  return *bits / 8;
}

}  // namespace calque
