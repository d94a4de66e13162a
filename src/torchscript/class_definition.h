// Class statements of an archive: modules, classes, named tuples, enums, interfaces.
#pragma once

#include "torchscript/program.h"

namespace calque::torchscript {

/// Adds the type to the program's unit and declares its methods. LoadError with the place for a body that is
/// not one of an archive.
void define_class(Program& program, const Declaration& declaration);

}  // namespace calque::torchscript
