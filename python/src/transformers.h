// Configurations and models of Transformers.
#pragma once

#include <nanobind/nanobind.h>

namespace calque::python {

void bind_transformers(nanobind::module_& module);

}  // namespace calque::python
