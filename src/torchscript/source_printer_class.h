// Definitions of classes, NamedTuples, enums and interfaces.
#pragma once

#include <string>
#include <string_view>

#include "torchscript/source_printer_function.h"

namespace calque::torchscript {

/// Appends the definition of `type` to `out` under the name `name`.
void print_type(const Type& type, std::string_view name, PrintState& state, LocalNames& names,
                std::string& out);

}  // namespace calque::torchscript
