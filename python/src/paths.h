// Paths of Python: str, bytes, os.PathLike.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace calque::python {

/// Whether `object` is a path, and not an open file.
bool is_path(nanobind::handle object);

/// The path as the system wants it. TypeError for other objects, ValueError for a NUL inside.
std::string path_of(nanobind::handle object);

}  // namespace calque::python
