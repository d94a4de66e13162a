// Errors of the library as Python exceptions.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <string_view>

namespace calque::python {

/// Translates every calque::Error into the class of the same name in calque.errors.
void bind_errors();

/// A Python text; bytes that are no UTF-8 come out as `\xNN`.
nanobind::str readable(std::string_view text);

}  // namespace calque::python
