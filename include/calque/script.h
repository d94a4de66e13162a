// One header for programs that load and run archives, as <torch/script.h> is for libtorch.
#pragma once

// IWYU pragma: begin_exports
#include "calque/compilation_unit.h"
#include "calque/error.h"
#include "calque/ivalue.h"
#include "calque/jit.h"
#include "calque/tensor.h"
#include "calque/threads.h"
// IWYU pragma: end_exports

namespace calque::jit {

using calque::IValue;

}  // namespace calque::jit
