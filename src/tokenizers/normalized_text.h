// Text on its way through the stages, and where each of its bytes came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace calque {

/// Bytes [begin, end).
struct TextRange {
  uint32_t begin = 0;
  uint32_t end = 0;

  bool operator==(const TextRange&) const = default;
};

struct NormalizedText {
  std::string text;
  /// For each byte of `text`, the range of the source that its character came from. Empty: byte i came from
  /// byte base + i.
  std::vector<TextRange> origins;
  uint32_t base = 0;

  /// Range of the source behind the bytes [begin, end) of `text`; begin < end.
  TextRange origin(size_t begin, size_t end) const {
    if (origins.empty()) return {static_cast<uint32_t>(base + begin), static_cast<uint32_t>(base + end)};
    return {origins[begin].begin, origins[end - 1].end};
  }
};

}  // namespace calque
