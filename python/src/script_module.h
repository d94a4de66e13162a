// The Python class ScriptModule.
#pragma once

#include <nanobind/nanobind.h>

namespace calque::python {

void bind_script_module(nanobind::module_& module);

}  // namespace calque::python
