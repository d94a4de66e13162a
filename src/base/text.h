// Text building: cat(...) joins values into one string.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace calque {

void append(std::string& out, int64_t value);
void append(std::string& out, uint64_t value);
/// Shortest text that reads back as the same double (`1.0` prints as `1`).
void append(std::string& out, double value);
/// PyTorch's form for shapes: `[2, 3]`.
void append(std::string& out, std::span<const int64_t> values);

template <class T>
void append_any(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, char>) {
    out += value;
  } else if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    append(out, static_cast<int64_t>(value));
  } else if constexpr (std::is_integral_v<T>) {
    append(out, static_cast<uint64_t>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    append(out, static_cast<double>(value));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    out += std::string_view(value);
  } else {
    append(out, value);
  }
}

/// Joins strings, characters, numbers and shapes into one string.
template <class... Args>
std::string cat(const Args&... args) {
  std::string out;
  (append_any(out, args), ...);
  return out;
}

/// `text` in double quotes with control and non-ASCII bytes as \xNN, shortened to `limit` bytes: for messages
/// that show untrusted text.
std::string quoted(std::string_view text, size_t limit = 80);

std::string join(std::span<const std::string> parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace calque
