// Overloads that are written as expressions over operators: what operators meant in older versions of the
// format, and numbers on the left of tensors.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ir/schema.h"
#include "torchscript/source_parser.h"

namespace calque::torchscript {

struct Expansion {
  FunctionSchema schema;
  ParsedExpr body;           ///< uses the argument names of the schema
  int64_t last_version = 0;  ///< of upgraders: the last version with the old meaning
};

/// What `overload` (`aten::div.Tensor`) meant in an archive of `version`; nullptr when it meant what it means
/// today.
const Expansion* find_upgrader(std::string_view overload, int64_t version);

/// Overloads of `name` (`aten::sub`) that PyTorch has besides its operators: `2 - x` is `neg(x) + 2`.
std::span<const Expansion* const> written_overloads(std::string_view name);

}  // namespace calque::torchscript
