// Last stage: joins tokens into text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calque {

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::string decode(const std::vector<std::string_view>& tokens) const = 0;
};

}  // namespace calque
