// A method's arguments and result, read from its schema text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calque::app {

struct Parameter {
  std::string type;  ///< `Tensor`, `int[]`, `Dict(str, Tensor)`, …
  std::string name;
  bool has_default = false;
  bool keyword_only = false;
};

struct Signature {
  std::vector<Parameter> parameters;  ///< without self
  std::string result;                 ///< type of what is returned
};

/// Reads `forward(__torch__.M self, Tensor x, *, int n=1) -> Tensor`.
Signature read_signature(std::string_view schema);

/// Parts of `text` between separators that stand outside brackets and quotes, blanks around them removed.
std::vector<std::string> split_outside_brackets(std::string_view text, char separator);

}  // namespace calque::app
