// Little-endian integers in byte buffers.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace calque {

/// The integer at `offset`. The caller has checked that it lies inside `bytes`.
template <std::unsigned_integral T>
[[nodiscard]] T read_le(std::span<const std::byte> bytes, size_t offset = 0) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<uint64_t>(bytes[offset + i]) << (8 * i);
  return static_cast<T>(value);
}

/// A two's complement integer of all of `bytes`, at most 8 of them; 0 for none.
[[nodiscard]] inline int64_t read_signed_le(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) value |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  const bool negative = !bytes.empty() && std::to_integer<unsigned>(bytes.back()) >= 0x80;
  if (negative && bytes.size() < 8) value |= ~uint64_t{0} << (8 * bytes.size());
  return static_cast<int64_t>(value);
}

template <std::unsigned_integral T>
void append_le(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>((static_cast<uint64_t>(value) >> (8 * i)) & 0xff);
}

}  // namespace calque
