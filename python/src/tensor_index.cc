#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "arrays.h"
#include "calque/error.h"
#include "calque/ivalue.h"
#include "tensor.h"

namespace nb = nanobind;

namespace calque::python {
namespace {

bool is_integer(nb::handle object) { return PyLong_Check(object.ptr()) && !PyBool_Check(object.ptr()); }

bool is_basic(nb::handle object) {
  return is_integer(object) || object.is_none() || PySlice_Check(object.ptr()) || object.ptr() == Py_Ellipsis;
}

std::vector<nb::object> parts_of(nb::handle index) {
  std::vector<nb::object> parts;
  if (!PyTuple_Check(index.ptr())) {
    parts.push_back(nb::borrow(index));
    return parts;
  }
  for (const nb::handle part : index) parts.push_back(nb::borrow(part));
  return parts;
}

std::optional<int64_t> bound(nb::handle object) {
  if (object.is_none()) return std::nullopt;
  const nb::object number = nb::steal(PyNumber_Index(object.ptr()));
  if (!number.is_valid()) throw nb::python_error();
  return whole_number(number);
}

Tensor sliced(const Tensor& tensor, int64_t dim, nb::handle slice) {
  const int64_t step = bound(slice.attr("step")).value_or(1);
  if (step <= 0) throw ValueError("step must be greater than zero");
  return tensor.slice(dim, bound(slice.attr("start")), bound(slice.attr("stop")), step);
}

Tensor selected(const Tensor& tensor, int64_t dim, int64_t index) {
  const int64_t size = tensor.size(dim);
  if (index < -size || index >= size) {
    throw IndexError("index " + std::to_string(index) + " is out of bounds for dimension " +
                     std::to_string(dim) + " with size " + std::to_string(size));
  }
  return tensor.select(dim, index);
}

/// A view by integers, slices, None and one `...`.
Tensor view_of(const Tensor& tensor, const std::vector<nb::object>& parts) {
  int64_t used = 0;
  int ellipses = 0;
  for (const nb::object& part : parts) {
    ellipses += part.ptr() == Py_Ellipsis ? 1 : 0;
    used += is_integer(part) || PySlice_Check(part.ptr()) ? 1 : 0;
  }
  if (ellipses > 1) throw IndexError("an index can only have a single ellipsis ('...')");
  if (used > tensor.dim()) {
    throw IndexError("too many indices for tensor of dimension " + std::to_string(tensor.dim()));
  }
  Tensor view = tensor;
  int64_t dim = 0;
  for (const nb::object& part : parts) {
    if (part.ptr() == Py_Ellipsis) {
      dim += tensor.dim() - used;
    } else if (part.is_none()) {
      view = view.unsqueeze(dim++);
    } else if (is_integer(part)) {
      view = selected(view, dim, whole_number(part));
    } else {
      view = sliced(view, dim++, part);
    }
  }
  return view;
}

bool all_basic(const std::vector<nb::object>& parts) {
  for (const nb::object& part : parts) {
    if (!is_basic(part)) return false;
  }
  return true;
}

}  // namespace

nb::object get_item(nb::handle tensor, nb::handle index) {
  const std::vector<nb::object> parts = parts_of(index);
  if (all_basic(parts)) return nb::cast(view_of(nb::cast<const Tensor&>(tensor), parts));
  return python_operator("getitem")(tensor, index);
}

void set_item(nb::handle tensor, nb::handle index, nb::handle value) {
  const std::vector<nb::object> parts = parts_of(index);
  if (!all_basic(parts)) {
    python_operator("setitem")(tensor, index, value);
    return;
  }
  const auto& target = nb::cast<const Tensor&>(tensor);
  view_of(target, parts)
      .copy_(nb::isinstance<Tensor>(value) ? nb::cast<Tensor>(value) : make_tensor(value, std::nullopt));
}

nb::object python_operator(const char* name) { return nb::module_::import_("calque._operators").attr(name); }

Dims dims_of(const nb::args& args) {
  const bool is_nested = args.size() == 1 && (PyTuple_Check(args[0].ptr()) || PyList_Check(args[0].ptr()));
  const nb::object sizes = is_nested ? nb::borrow(args[0]) : nb::borrow(args);
  Dims dims;
  for (const nb::handle size : sizes) {
    const std::optional<int64_t> value = bound(size);
    if (!value.has_value()) throw TypeError("a size is None; expected a whole number");
    dims.push_back(*value);
  }
  return dims;
}

std::optional<ScalarType> dtype_among(const nb::args& args, const nb::kwargs& kwargs) {
  std::optional<ScalarType> found;
  const auto look = [&](nb::handle value) {
    const std::string module = nb::cast<std::string>(nb::str(value.type().attr("__module__")));
    const std::string kind = module + "." + nb::cast<std::string>(value.type().attr("__name__"));
    if (nb::isinstance<ScalarType>(value)) {
      found = nb::cast<ScalarType>(value);
    } else if (nb::isinstance<Tensor>(value)) {
      found = nb::cast<const Tensor&>(value).dtype();
    } else if (nb::isinstance<nb::str>(value)) {
      Device::parse(nb::cast<std::string>(value));
    } else if (kind == "torch.dtype") {
      found = dtype_from_name(nb::str(value).c_str());
      if (!found.has_value())
        throw TypeError(std::string("to(): there is no dtype ") + nb::str(value).c_str());
    } else if (!value.is_none() && !PyBool_Check(value.ptr()) && !nb::isinstance<Device>(value) &&
               kind != "torch.device") {
      throw TypeError("to(): expected a dtype, a device or a tensor, found " + kind);
    }
  };
  for (const nb::handle value : args) look(value);
  for (const char* const name : {"device", "dtype", "other"}) {
    if (kwargs.contains(name)) look(kwargs[name]);
  }
  return found;
}

}  // namespace calque::python
