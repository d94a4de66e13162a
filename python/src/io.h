// Tensors in files, and what lies inside an archive.
#pragma once

#include <nanobind/nanobind.h>

namespace calque::python {

void bind_io(nanobind::module_& module);

}  // namespace calque::python
