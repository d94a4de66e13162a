#include "paths.h"

#include "calque/error.h"

namespace nb = nanobind;

namespace calque::python {

bool is_path(nb::handle object) {
  return nb::isinstance<nb::str>(object) || nb::isinstance<nb::bytes>(object) ||
         nb::hasattr(object, "__fspath__");
}

std::string path_of(nb::handle object) {
  if (!is_path(object)) {
    throw TypeError(std::string("expected a path (str, bytes or os.PathLike), found ") +
                    nb::type_name(object.type()).c_str());
  }
  PyObject* bytes = nullptr;
  if (PyUnicode_FSConverter(object.ptr(), &bytes) == 0) throw nb::python_error();
  const auto held = nb::steal<nb::bytes>(bytes);
  return {held.c_str(), held.size()};
}

}  // namespace calque::python
