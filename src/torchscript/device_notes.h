// Devices that a program names and that are ignored.
#pragma once

#include <functional>
#include <string>

#include "ir/graph.h"

namespace calque::torchscript {

/// Remarks once on each device other than the CPU that the functions of `unit` name.
void note_devices(const CompilationUnit& unit, const std::function<void(const std::string&)>& on_note);

}  // namespace calque::torchscript
