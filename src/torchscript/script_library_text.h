// The sources of the library.
#pragma once

#include <span>
#include <string_view>

namespace calque::torchscript {

struct LibraryText {
  std::string_view path;  ///< of the module: `torch.nn.functional`
  std::string_view source;
};

std::span<const LibraryText> library_texts();

}  // namespace calque::torchscript
