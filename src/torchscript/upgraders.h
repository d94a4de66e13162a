// Operators whose meaning changed between versions of the archive format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ir/schema.h"
#include "torchscript/source_parser.h"

namespace calque::torchscript {

/// What an operator meant up to a version, as an expression over today's operators.
struct Upgrader {
  std::string overload;       ///< `aten::div.Tensor`
  int64_t last_version = 0;   ///< the last version with the old meaning
  FunctionSchema old_schema;  ///< how it was called then
  ParsedExpr body;            ///< uses the argument names of old_schema
};

/// The upgrader for an overload in an archive of `version`; nullptr when the meaning is today's.
const Upgrader* find_upgrader(std::string_view overload, int64_t version);

}  // namespace calque::torchscript
