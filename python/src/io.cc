#include "io.h"

#include <nanobind/stl/string.h>

#include <string>

#include "calque/io.h"
#include "errors.h"
#include "gil.h"
#include "paths.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

nb::dict read_tensors(nb::handle file) {
  const std::string path = path_of(file);
  io::NamedTensors tensors;
  {
    const WithoutGil released;
    tensors = io::read_tensors(path);
  }
  nb::dict result;
  for (const auto& [name, tensor] : tensors) result[readable(name)] = tensor;
  return result;
}

void write_tensors(nb::handle file, const nb::dict& tensors) {
  const std::string path = path_of(file);
  io::NamedTensors named;
  for (auto [name, tensor] : tensors)
    named.emplace_back(nb::cast<std::string>(name), nb::cast<Tensor>(tensor));
  const WithoutGil released;
  io::write_tensors(path, named);
}

nb::list list_records(nb::handle file) {
  nb::list result;
  for (const io::Record& record : io::list_records(path_of(file))) {
    result.append(nb::make_tuple(readable(record.name), record.size, record.stored_size));
  }
  return result;
}

nb::bytes read_record(nb::handle file, const std::string& name) {
  const std::string content = io::read_record(path_of(file), name);
  return nb::bytes(content.data(), content.size());
}

}  // namespace

void bind_io(nb::module_& module) {
  module.def("read_tensors", read_tensors, "path"_a,
             nb::sig("def read_tensors(path: Any) -> dict[str, Tensor]"));
  module.def("write_tensors", write_tensors, "path"_a, "tensors"_a,
             nb::sig("def write_tensors(path: Any, tensors: dict[str, Tensor]) -> None"));
  module.def("list_records", list_records, "path"_a,
             nb::sig("def list_records(path: Any) -> list[tuple[str, int, int]]"),
             "Name, bytes of content and bytes in the file of each record of an archive.");
  module.def("read_record", read_record, "path"_a, "name"_a,
             nb::sig("def read_record(path: Any, name: str) -> bytes"));
}

}  // namespace calque::python
