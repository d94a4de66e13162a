// Schemas of operations that the executor does itself, so that they are in no operator table.
#pragma once

#include <span>
#include <string_view>

#include "ir/schema.h"

namespace calque::torchscript {

/// Schemas by name, for example `prim::RaiseException`; empty when there is none.
std::span<const FunctionSchema* const> structural_schemas(std::string_view name);

}  // namespace calque::torchscript
