// Class statements of an archive: modules, classes, named tuples, enums, interfaces.
#pragma once

#include "torchscript/program.h"

namespace calque::torchscript {

/// Adds the type to the program's unit and declares its methods. LoadError with the place for a body that is
/// not one of an archive.
void define_class(Program& program, const Declaration& declaration);

/// Whether that method of a module runs before or after forward.
bool is_hook(const ClassType& type, std::string_view method);

}  // namespace calque::torchscript
