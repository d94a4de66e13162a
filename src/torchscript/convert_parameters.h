// LoadOptions::dtype.
#pragma once

#include "calque/ivalue.h"

namespace calque::torchscript {

/// Converts the floating-point parameters and buffers of a module and its submodules. A tensor that several
/// modules share is converted once and stays shared.
void convert_parameters(ObjectImpl& root, ScalarType dtype);

}  // namespace calque::torchscript
