// The Python class ScriptModule; loading, saving, tracing.
#pragma once

#include <nanobind/nanobind.h>

namespace calque::python {

void bind_jit(nanobind::module_& module);

}  // namespace calque::python
