#include "extra_files.h"

#include <string>

#include "calque/error.h"

namespace nb = nanobind;

namespace calque::python {
namespace {

nb::dict dict_of(nb::handle files) {
  if (nb::isinstance<nb::dict>(files)) return nb::borrow<nb::dict>(files);
  throw TypeError(std::string("_extra_files: expected a dict of names with str or bytes, found ") +
                  nb::type_name(files.type()).c_str());
}

}  // namespace

jit::ExtraFilesMap extra_files_of(nb::handle files) {
  jit::ExtraFilesMap map;
  if (files.is_none()) return map;
  for (auto [name, content] : dict_of(files)) {
    const nb::object bytes =
        nb::isinstance<nb::str>(content) ? content.attr("encode")() : nb::borrow(content);
    if (!nb::isinstance<nb::str>(name) || !nb::isinstance<nb::bytes>(bytes)) {
      throw TypeError("_extra_files: expected a dict of names (str) with str or bytes");
    }
    const auto view = nb::cast<nb::bytes>(bytes);
    map[nb::cast<std::string>(name)] = std::string(view.c_str(), view.size());
  }
  return map;
}

void fill_extra_files(nb::handle files, const jit::ExtraFilesMap& map) {
  if (files.is_none()) return;
  nb::dict target = dict_of(files);
  for (const auto& [name, content] : map) target[name.c_str()] = nb::bytes(content.data(), content.size());
}

}  // namespace calque::python
