// How pages for people set their columns.
#pragma once

#include <string>

namespace calque::jit {

/// Filled up with spaces to `width` bytes; `to_right` puts the spaces in front.
inline std::string padded(std::string text, size_t width, bool to_right = false) {
  if (text.size() < width) text.insert(to_right ? 0 : text.size(), width - text.size(), ' ');
  return text;
}

}  // namespace calque::jit
