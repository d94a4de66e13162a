// Function schemas: `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/type.h"

namespace calque {

struct Argument {
  std::string name;
  TypePtr type;
  std::optional<IValue> default_value;
  bool keyword_only = false;
  /// `int[2]`, `int[]`: a single int is accepted where a list stands; N of `int[N]`, 0 when the length is
  /// free.
  std::optional<int64_t> broadcast_length;
  std::string alias;  ///< `a`, `a!` or empty
  bool is_write() const { return !alias.empty() && alias.find('!') != std::string::npos; }
};

struct FunctionSchema {
  std::string name;      ///< `aten::add`, or the qualified name of a function
  std::string overload;  ///< `Tensor`; may be empty
  std::vector<Argument> arguments;
  std::vector<Argument> returns;
  bool is_vararg = false;  ///< `...` after the arguments
  bool is_varret = false;  ///< `-> ...`
  /// `aten::add.Tensor`
  std::string full_name() const { return overload.empty() ? name : name + "." + overload; }
  /// PyTorch's text; parse_schema reads it back.
  std::string str() const;
  bool has_side_effects() const;  ///< writes to an argument
};

/// Reads PyTorch's schema language. ValueError with the column on bad text.
FunctionSchema parse_schema(std::string_view text);

}  // namespace calque
