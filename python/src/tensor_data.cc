// Tensors from Python's numbers and lists, and back.
#include <nanobind/nanobind.h>
#include <nanobind/stl/complex.h>

#include <complex>
#include <string>

#include "arrays.h"
#include "calque/error.h"
#include "tensor.h"

namespace nb = nanobind;

namespace calque::python {
namespace {

/// Numbers of nested sequences, flat, with the shape.
struct Flat {
  Dims sizes;
  std::vector<nb::object> items;
  bool has_float = false;
  bool has_int = false;
  bool has_complex = false;
};

constexpr size_t kMostDims = 64;

bool is_sequence(nb::handle object) { return PyList_Check(object.ptr()) || PyTuple_Check(object.ptr()); }

nb::object as_plain(nb::handle object) {
  if (nb::isinstance<Tensor>(object)) return to_list(nb::cast<const Tensor&>(object));
  if (!PyFloat_Check(object.ptr()) && !PyLong_Check(object.ptr()) && !PyComplex_Check(object.ptr()) &&
      is_array(object)) {
    return to_list(tensor_from_array(object));
  }
  return nb::borrow(object);
}

void add_number(Flat& flat, nb::object object) {
  if (PyBool_Check(object.ptr())) {
  } else if (PyLong_Check(object.ptr())) {
    flat.has_int = true;
  } else if (PyFloat_Check(object.ptr())) {
    flat.has_float = true;
  } else if (PyComplex_Check(object.ptr())) {
    flat.has_complex = true;
  } else {
    throw TypeError(std::string("cannot make a tensor of ") + nb::type_name(object.type()).c_str() +
                    "; expected numbers, nested lists of numbers, or an array");
  }
  flat.items.push_back(std::move(object));
}

void add(Flat& flat, nb::handle given, size_t depth) {
  nb::object object = as_plain(given);
  if (!is_sequence(object)) {
    if (depth != flat.sizes.size()) {
      throw TypeError("expected a sequence at dim " + std::to_string(depth) +
                      " (got a number): the lists are ragged");
    }
    add_number(flat, std::move(object));
    return;
  }
  const auto size = static_cast<int64_t>(nb::len(object));
  if (depth >= flat.sizes.size()) {
    throw ValueError("too many dimensions at dim " + std::to_string(depth) + ": the lists are ragged");
  }
  if (size != flat.sizes[depth]) {
    throw ValueError("expected sequence of length " + std::to_string(flat.sizes[depth]) + " at dim " +
                     std::to_string(depth) + " (got " + std::to_string(size) + ")");
  }
  for (const nb::handle element : object) add(flat, element, depth + 1);
}

/// Follows the first elements down.
Dims shape_of(nb::handle data) {
  Dims sizes;
  nb::object object = as_plain(data);
  while (is_sequence(object)) {
    const auto size = static_cast<int64_t>(nb::len(object));
    sizes.push_back(size);
    if (sizes.size() > kMostDims)
      throw ValueError("a tensor has at most 64 dimensions; do the lists hold themselves?");
    if (size == 0) break;
    object = as_plain(object[0]);
  }
  return sizes;
}

template <class T>
T* elements(const Tensor& tensor) {
  return static_cast<T*>(tensor.raw_data());
}

Tensor filled_complex(const Flat& flat) {
  Tensor tensor = empty(flat.sizes, ScalarType::ComplexDouble);
  auto* out = elements<std::complex<double>>(tensor);
  for (const nb::object& number : flat.items) *out++ = nb::cast<std::complex<double>>(number);
  return tensor;
}

Tensor filled_long(const Flat& flat) {
  Tensor tensor = empty(flat.sizes, kLong);
  auto* out = elements<int64_t>(tensor);
  for (const nb::object& number : flat.items) *out++ = whole_number(number);
  return tensor;
}

Tensor filled_bool(const Flat& flat) {
  Tensor tensor = empty(flat.sizes, kBool);
  bool* out = elements<bool>(tensor);
  for (const nb::object& number : flat.items) *out++ = number.ptr() == Py_True;
  return tensor;
}

Tensor filled_double(const Flat& flat) {
  Tensor tensor = empty(flat.sizes, kDouble);
  auto* out = elements<double>(tensor);
  for (const nb::object& number : flat.items) {
    *out++ = PyFloat_AsDouble(number.ptr());
    if (PyErr_Occurred() != nullptr) throw nb::python_error();
  }
  return tensor;
}

Tensor from_numbers(const Flat& flat, std::optional<ScalarType> dtype) {
  if (flat.has_complex) {
    return filled_complex(flat).to(dtype.value_or(ScalarType::ComplexFloat));
  }
  if (flat.has_float || flat.items.empty()) return filled_double(flat).to(dtype.value_or(kFloat));
  if (!flat.has_int) return filled_bool(flat).to(dtype.value_or(kBool));
  if (is_floating_point(dtype.value_or(kLong))) return filled_double(flat).to(*dtype);
  return filled_long(flat).to(dtype.value_or(kLong));
}

nb::object number(const Tensor& flat, int64_t index) {
  switch (flat.dtype()) {
    case ScalarType::Bool:
      return nb::bool_(elements<bool>(flat)[index]);
    case ScalarType::Long:
      return nb::int_(elements<int64_t>(flat)[index]);
    case ScalarType::ComplexDouble:
      return nb::cast(elements<std::complex<double>>(flat)[index]);
    default:
      return nb::float_(elements<double>(flat)[index]);
  }
}

/// The tensor in the widest dtype of its kind, contiguous.
Tensor widened(const Tensor& tensor) {
  const ScalarType dtype = tensor.dtype();
  const ScalarType wide = dtype == kBool             ? kBool
                          : is_complex(dtype)        ? ScalarType::ComplexDouble
                          : is_floating_point(dtype) ? kDouble
                                                     : kLong;
  return tensor.to(wide).contiguous();
}

nb::object nested(const Tensor& flat, IntArrayRef sizes, int64_t& position) {
  if (sizes.empty()) return number(flat, position++);
  nb::list result;
  for (int64_t i = 0; i < sizes[0]; ++i) result.append(nested(flat, sizes.subspan(1), position));
  return result;
}

}  // namespace

int64_t whole_number(nb::handle object) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
  if (overflow != 0) {
    throw RuntimeError("Overflow when unpacking long: a whole number outside -2^63 … 2^63 - 1");
  }
  if (value == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
  return value;
}

Tensor make_tensor(nb::handle data, std::optional<ScalarType> dtype) {
  if (nb::isinstance<Tensor>(data) || (!is_sequence(data) && is_array(data))) {
    const Tensor source = nb::isinstance<Tensor>(data) ? nb::cast<Tensor>(data) : tensor_from_array(data);
    return source.to(dtype.value_or(source.dtype())).clone();
  }
  Flat flat;
  flat.sizes = shape_of(data);
  add(flat, data, 0);
  return from_numbers(flat, dtype);
}

nb::object to_list(const Tensor& tensor) {
  const Tensor wide = widened(tensor);
  int64_t position = 0;
  return nested(wide, tensor.sizes(), position);
}

nb::object item(const Tensor& tensor) {
  if (tensor.numel() != 1) {
    throw RuntimeError("a Tensor with " + std::to_string(tensor.numel()) +
                       " elements cannot be converted to Scalar");
  }
  return number(widened(tensor), 0);
}

}  // namespace calque::python
