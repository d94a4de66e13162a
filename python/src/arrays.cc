#include "arrays.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "gil.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using AnyArray = nb::ndarray<nb::device::cpu>;
using ReadOnlyArray = nb::ndarray<nb::ro, nb::device::cpu>;

struct TypeRow {
  ScalarType type;
  nb::dlpack::dtype_code code;
  uint8_t bits;
  const char* format;  ///< of the module struct; null where it has none
};

using Code = nb::dlpack::dtype_code;
constexpr TypeRow kTypes[] = {
    {ScalarType::Byte, Code::UInt, 8, "B"},
    {ScalarType::Char, Code::Int, 8, "b"},
    {ScalarType::Short, Code::Int, 16, "h"},
    {ScalarType::Int, Code::Int, 32, "i"},
    {ScalarType::Long, Code::Int, 64, "q"},
    {ScalarType::Half, Code::Float, 16, "e"},
    {ScalarType::Float, Code::Float, 32, "f"},
    {ScalarType::Double, Code::Float, 64, "d"},
    {ScalarType::ComplexFloat, Code::Complex, 64, "Zf"},
    {ScalarType::ComplexDouble, Code::Complex, 128, "Zd"},
    {ScalarType::Bool, Code::Bool, 8, "?"},
    {ScalarType::BFloat16, Code::Bfloat, 16, nullptr},
};

const TypeRow& row_of(ScalarType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row;
  }
  throw TypeError("tensors of dtype " + std::string(dtype_name(type)) +
                  " cannot leave the library; convert with .to()");
}

std::optional<ScalarType> scalar_type(nb::dlpack::dtype dtype) {
  for (const TypeRow& row : kTypes) {
    if (static_cast<uint8_t>(row.code) == dtype.code && row.bits == dtype.bits && dtype.lanes == 1)
      return row.type;
  }
  return std::nullopt;
}

std::string type_text(nb::handle object) {
  std::string name = nb::type_name(object.type()).c_str();
  if (nb::hasattr(object, "dtype"))
    name += std::string(" of dtype ") + nb::str(nb::handle(object.attr("dtype"))).c_str();
  if (nb::hasattr(object, "device"))
    name += std::string(" on ") + nb::str(nb::handle(object.attr("device"))).c_str();
  return name;
}

[[noreturn]] void refuse(nb::handle object) {
  throw TypeError(
      "cannot use " + type_text(object) +
      " as a tensor; expected an array on the CPU, of float16, bfloat16, float32, float64, uint8, int8, "
      "int16, int32, int64, bool or complex numbers in the machine's byte order");
}

bool is_aligned(const void* data, ScalarType type) {
  return reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(std::min<int64_t>(item_size(type), 8)) ==
         0;
}

bool has_negative_stride(const ReadOnlyArray& array) {
  for (size_t i = 0; i < array.ndim(); ++i) {
    if (array.shape(i) > 1 && array.stride(i) < 0) return true;
  }
  return false;
}

/// A tensor over memory that `keeper` holds. What has one element or none in a dimension is given a stride of
/// its own.
Tensor view_of(void* data, Dims sizes, Dims strides, ScalarType type, std::shared_ptr<const void> keeper) {
  const Dims dense = contiguous_strides(sizes);
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return empty(sizes, type);
    last += (sizes[i] - 1) * strides[i];
    if (sizes[i] == 1) strides[i] = dense[i];
  }
  const Ref<Storage> storage = Storage::borrow(data, (last + 1) * item_size(type), std::move(keeper));
  storage->expose();
  return from_storage(storage, 0, sizes, strides, type);
}

Tensor borrow(const ReadOnlyArray& array, ScalarType type) {
  Dims sizes;
  Dims strides;
  for (size_t i = 0; i < array.ndim(); ++i) {
    sizes.push_back(static_cast<int64_t>(array.shape(i)));
    strides.push_back(array.shape(i) > 1 ? array.stride(i) : 0);
  }
  auto* const data = const_cast<void*>(static_cast<const void*>(array.data()));
  return view_of(data, std::move(sizes), std::move(strides), type,
                 std::make_shared<const ReadOnlyArray>(array));
}

/// The element type of a buffer, by the format characters of the module struct; nullopt for other formats.
std::optional<ScalarType> buffer_type(const Py_buffer& buffer) {
  std::string_view format = buffer.format == nullptr ? "B" : buffer.format;
  if (format.size() > 1 && (format[0] == '@' || format[0] == '=')) format.remove_prefix(1);
  if (format == "l" || format == "q") return buffer.itemsize == 8 ? kLong : kInt;
  for (const TypeRow& row : kTypes) {
    if (row.format != nullptr && format == row.format && buffer.itemsize * 8 == row.bits) return row.type;
  }
  return std::nullopt;
}

/// Sizes and strides in elements; nullopt when the strides are negative or no whole numbers of elements.
std::optional<std::pair<Dims, Dims>> layout_of(const Py_buffer& buffer) {
  Dims sizes;
  Dims strides;
  for (int i = 0; i < buffer.ndim; ++i) {
    if (buffer.shape[i] > 1 && (buffer.strides[i] < 0 || buffer.strides[i] % buffer.itemsize != 0))
      return std::nullopt;
    sizes.push_back(buffer.shape[i]);
    strides.push_back(buffer.shape[i] > 1 ? buffer.strides[i] / buffer.itemsize : 0);
  }
  return std::pair(std::move(sizes), std::move(strides));
}

/// A buffer that is given back, with the GIL, when nothing uses it any more.
std::shared_ptr<const Py_buffer> open_buffer(nb::handle object, int flags) {
  auto buffer = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object.ptr(), buffer.get(), flags) != 0) {
    PyErr_Clear();
    return nullptr;
  }
  return {buffer.release(), [](Py_buffer* held) {
            with_gil_unless_exiting([](void* view) { PyBuffer_Release(static_cast<Py_buffer*>(view)); },
                                    held);
            delete held;
          }};
}

/// The short way, for NumPy arrays above all; nullopt when the long way has to judge.
std::optional<Tensor> tensor_from_buffer(nb::handle object) {
  if (PyObject_CheckBuffer(object.ptr()) == 0) return std::nullopt;
  const std::shared_ptr<const Py_buffer> buffer = open_buffer(object, PyBUF_RECORDS);
  if (buffer == nullptr) return std::nullopt;
  const std::optional<ScalarType> type = buffer_type(*buffer);
  if (!type.has_value() || !is_aligned(buffer->buf, *type)) return std::nullopt;
  auto layout = layout_of(*buffer);
  if (!layout.has_value()) return std::nullopt;
  return view_of(buffer->buf, std::move(layout->first), std::move(layout->second), *type, buffer);
}

/// ml_dtypes' bfloat16, which neither DLPack nor the buffer protocol of NumPy knows.
bool is_numpy_bfloat16(nb::handle object) {
  return nb::hasattr(object, "__array_interface__") && nb::hasattr(object, "dtype") &&
         nb::hasattr(object.attr("dtype"), "name") &&
         nb::cast<std::string>(object.attr("dtype").attr("name")) == "bfloat16";
}

nb::object plain_array(nb::handle object) {
  if (is_numpy_bfloat16(object)) return object.attr("view")("uint16");
  // PyTorch does not hand out what is part of a gradient's graph.
  if (nb::hasattr(object, "detach")) return object.attr("detach")();
  return nb::borrow(object);
}

/// What NumPy makes of an array that no protocol describes, such as a field of records, and of its scalars.
nb::object copied(nb::handle array) {
  if (!nb::hasattr(array, "__array_interface__")) return nb::none();
  return nb::module_::import_("numpy").attr("array")(array, "order"_a = "C");
}

nb::ndarray<nb::numpy> numpy_view(const Tensor& tensor, nb::handle owner) {
  const TypeRow& row = row_of(tensor.dtype());
  tensor.storage()->expose();
  const std::vector<size_t> sizes(tensor.sizes().begin(), tensor.sizes().end());
  const bool is_bfloat16 = row.code == Code::Bfloat;
  const nb::dlpack::dtype dtype{static_cast<uint8_t>(is_bfloat16 ? Code::UInt : row.code), row.bits, 1};
  return {tensor.raw_data(),       sizes.size(), sizes.data(),          owner,
          tensor.strides().data(), dtype,        nb::device::cpu::value};
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  const Tensor* const tensor = nb::inst_ptr<Tensor>(self);
  const TypeRow* row = nullptr;
  for (const TypeRow& candidate : kTypes) {
    if (candidate.type == tensor->dtype()) row = &candidate;
  }
  const bool takes_strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
  if (row == nullptr || row->format == nullptr || (!takes_strides && !tensor->is_contiguous())) {
    PyErr_SetString(PyExc_BufferError,
                    "this tensor has no such buffer: its dtype has no format, or it is not contiguous");
    return -1;
  }
  const size_t dims = tensor->sizes().size();
  auto* const numbers = new Py_ssize_t[2 * dims + 1];
  for (size_t i = 0; i < dims; ++i) {
    numbers[i] = tensor->sizes()[i];
    numbers[dims + i] = tensor->strides()[i] * tensor->itemsize();
  }
  tensor->storage()->expose();
  view->buf = tensor->raw_data();
  view->len = tensor->nbytes();
  view->itemsize = tensor->itemsize();
  view->readonly = 0;
  view->ndim = static_cast<int>(dims);
  view->format = (flags & PyBUF_FORMAT) != 0 ? const_cast<char*>(row->format) : nullptr;
  view->shape = (flags & PyBUF_ND) != 0 ? numbers : nullptr;
  view->strides = takes_strides ? numbers + dims : nullptr;
  view->suboffsets = nullptr;
  view->internal = numbers;
  Py_INCREF(self);
  view->obj = self;
  return 0;
}

void release_buffer(PyObject*, Py_buffer* view) { delete[] static_cast<Py_ssize_t*>(view->internal); }

}  // namespace

bool is_array(nb::handle object) {
  return nb::hasattr(object, "__dlpack__") || nb::hasattr(object, "__array_interface__") ||
         (PyObject_CheckBuffer(object.ptr()) != 0 && !nb::isinstance<nb::bytes>(object));
}

Tensor tensor_from_array(nb::handle object) {
  if (const std::optional<Tensor> tensor = tensor_from_buffer(object)) return *tensor;
  const nb::object array = plain_array(object);
  AnyArray writable;
  ReadOnlyArray view;
  const bool is_writable = nb::try_cast(array, writable);
  if (is_writable) {
    view = ReadOnlyArray(writable);
  } else if (!nb::try_cast(array, view) && !nb::try_cast(copied(array), view)) {
    refuse(object);
  }
  const bool is_bfloat16 = is_numpy_bfloat16(object);
  const std::optional<ScalarType> type = is_bfloat16 ? ScalarType::BFloat16 : scalar_type(view.dtype());
  if (!type.has_value()) refuse(object);
  if (has_negative_stride(view) || !is_aligned(view.data(), *type)) {
    return tensor_from_array(copied(object));
  }
  const Tensor tensor = borrow(view, *type);
  return is_writable ? tensor : tensor.clone();
}

nb::object numpy_array(nb::handle tensor) {
  const auto& value = nb::cast<const Tensor&>(tensor);
  if (value.dtype() != ScalarType::BFloat16) return nb::cast(numpy_view(value, tensor));
  nb::object types;
  try {
    types = nb::module_::import_("ml_dtypes").attr("bfloat16");
  } catch (const nb::python_error&) {
    throw TypeError("NumPy has no bfloat16: install the package ml_dtypes, or convert with .float() first");
  }
  return nb::cast(numpy_view(value, tensor)).attr("view")(types);
}

nb::object dlpack_capsule(nb::handle tensor, const nb::kwargs& kwargs) {
  const auto& value = nb::cast<const Tensor&>(tensor);
  const TypeRow& row = row_of(value.dtype());
  value.storage()->expose();
  const std::vector<size_t> sizes(value.sizes().begin(), value.sizes().end());
  const nb::ndarray<nb::array_api> array(
      value.raw_data(), sizes.size(), sizes.data(), tensor, value.strides().data(),
      nb::dlpack::dtype{static_cast<uint8_t>(row.code), row.bits, 1}, nb::device::cpu::value);
  return nb::cast(array).attr("__dlpack__")(**kwargs);
}

const PyType_Slot* buffer_slots() {
  static const PyType_Slot slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                                      {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer)},
                                      {0, nullptr}};
  return slots;
}

}  // namespace calque::python
