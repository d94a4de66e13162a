// Programs from source text, and reports on archives.
#pragma once

#include <nanobind/nanobind.h>

namespace calque::python {

void bind_script(nanobind::module_& module);

}  // namespace calque::python
