// Checked arithmetic: every size that comes from a file goes through here before it is used.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

namespace calque {

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(std::type_identity_t<T> a, T b) {
  T out{};
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(std::type_identity_t<T> a, T b) {
  T out{};
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

/// Product of `sizes`; nullopt when one is negative or the product does not fit. Empty: 1.
[[nodiscard]] constexpr std::optional<int64_t> checked_numel(std::span<const int64_t> sizes) {
  int64_t product = 1;
  bool zero = false;
  for (const int64_t size : sizes) {
    if (size < 0) return std::nullopt;
    if (size == 0) zero = true;
  }
  if (zero) return 0;
  for (const int64_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product)) return std::nullopt;
  }
  return product;
}

/// True when [offset, offset + length) lies inside [0, total).
[[nodiscard]] constexpr bool range_fits(uint64_t offset, uint64_t length, uint64_t total) {
  return offset <= total && length <= total - offset;
}

}  // namespace calque
