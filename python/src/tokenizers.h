// Tokenizers.
#pragma once

#include <nanobind/nanobind.h>

namespace calque::python {

void bind_tokenizers(nanobind::module_& module);

}  // namespace calque::python
