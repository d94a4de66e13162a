#include "tensor.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <functional>
#include <string>

#include "arrays.h"
#include "calque/error.h"
#include "calque/ivalue.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace calque::python {
namespace {

using OptionalDtype = std::optional<ScalarType>;

struct DtypeRow {
  const char* name;
  ScalarType value;
};

constexpr DtypeRow kDtypes[] = {
    {"uint8", kUInt8},
    {"int8", kInt8},
    {"int16", kInt16},
    {"int32", kInt32},
    {"int64", kInt64},
    {"float16", kFloat16},
    {"float32", kFloat32},
    {"float64", kFloat64},
    {"bfloat16", kBFloat16},
    {"bool_", kBool},
    {"complex64", ScalarType::ComplexFloat},
    {"complex128", ScalarType::ComplexDouble},
};

void bind_dtype(nb::module_& module) {
  nb::enum_<ScalarType> dtype(module, "dtype", "Element type of a tensor.");
  for (const auto& [name, value] : kDtypes) dtype.value(name, value);
  const auto text = [](ScalarType type) { return "calque." + std::string(dtype_name(type)); };
  dtype.def("__repr__", text).def("__str__", text);
  dtype.def_prop_ro("itemsize", [](ScalarType type) { return item_size(type); }, "Bytes of one element.");
  dtype.def_prop_ro("is_floating_point", [](ScalarType type) { return is_floating_point(type); });
  module.def(
      "broadcast_shapes", [](const Dims& a, const Dims& b) { return broadcast_shapes(a, b); }, "a"_a, "b"_a,
      "The shape that two shapes broadcast to. Raises RuntimeError with PyTorch's text.");
  module.def("promote_types", promote_types, "type1"_a, "type2"_a, "PyTorch's type promotion of two dtypes.");
}

void bind_device(nb::module_& module) {
  nb::class_<Device>(module, "device", "Name of a device. Everything runs on the CPU, whatever the name.")
      .def(
          "__init__",
          [](Device* self, const std::string& text, std::optional<int> index) {
            new (self) Device(Device::parse(index.has_value() ? text + ":" + std::to_string(*index) : text));
          },
          "device"_a, "index"_a = nb::none())
      .def(
          "__init__", [](Device* self, const Device& other) { new (self) Device(other); }, "device"_a)
      .def_prop_ro("type", [](const Device& self) { return self.str().substr(0, self.str().find(':')); })
      .def_prop_ro("index",
                   [](const Device& self) -> std::optional<int> {
                     return self.index < 0 ? std::nullopt : std::optional<int>(self.index);
                   })
      .def("__str__", &Device::str)
      .def("__repr__",
           [](const Device& self) {
             const std::string text = self.str();
             const std::string type = "device(type='" + text.substr(0, text.find(':')) + "'";
             return self.index < 0 ? type + ")" : type + ", index=" + std::to_string(self.index) + ")";
           })
      .def(
          "__reduce__",
          [](const Device& self) {
            return nb::make_tuple(nb::borrow(nb::type<Device>()), nb::make_tuple(self.str()));
          },
          nb::sig("def __reduce__(self) -> tuple[Any, tuple[str]]"))
      .def("__hash__", [](const Device& self) { return std::hash<std::string>()(self.str()); })
      .def(
          "__eq__",
          [](const Device& self, nb::handle other) {
            if (nb::isinstance<nb::str>(other)) return self.str() == nb::cast<std::string>(other);
            return nb::isinstance<Device>(other) && self == nb::cast<Device>(other);
          },
          nb::arg().none());
}

/// `.to(torch.float16)`, `.to("cpu")`, `.to(device, dtype=…)`: devices are accepted and change nothing.
Tensor to(const Tensor& tensor, const nb::args& args, const nb::kwargs& kwargs) {
  return tensor.to(dtype_among(args, kwargs).value_or(tensor.dtype()));
}

Tensor transposed(const Tensor& tensor) {
  Dims dims;
  for (int64_t dim = tensor.dim() - 1; dim >= 0; --dim) dims.push_back(dim);
  return tensor.permute(dims);
}

Tensor t(const Tensor& tensor) {
  if (tensor.dim() > 2) {
    throw RuntimeError("t() expects a tensor with <= 2 dimensions, but self is " +
                       std::to_string(tensor.dim()) + "D");
  }
  return transposed(tensor);
}

Tensor squeeze_all(Tensor tensor) {
  for (int64_t dim = tensor.dim() - 1; dim >= 0; --dim) tensor = tensor.squeeze(dim);
  return tensor;
}

Tensor flatten(const Tensor& tensor, int64_t start_dim, int64_t end_dim) {
  const int64_t dims = tensor.dim();
  if (dims == 0) return tensor.reshape(Dims{1});
  const int64_t first = start_dim < 0 ? start_dim + dims : start_dim;
  const int64_t last = end_dim < 0 ? end_dim + dims : end_dim;
  if (first < 0 || last >= dims) {
    throw IndexError("Dimension out of range (expected to be in range of [" + std::to_string(-dims) + ", " +
                     std::to_string(dims - 1) + "])");
  }
  if (first > last) throw RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim");
  Dims sizes(tensor.sizes().begin(), tensor.sizes().begin() + first);
  int64_t product = 1;
  for (int64_t dim = first; dim <= last; ++dim) product *= tensor.size(dim);
  sizes.push_back(product);
  sizes.insert(sizes.end(), tensor.sizes().begin() + last + 1, tensor.sizes().end());
  return tensor.reshape(sizes);
}

bool truth(const Tensor& tensor) {
  if (tensor.numel() == 1) return tensor.item().to_bool();
  throw RuntimeError(tensor.numel() == 0 ? "Boolean value of Tensor with no values is ambiguous"
                                         : "Boolean value of Tensor with more than one value is ambiguous");
}

nb::object size_tuple(IntArrayRef sizes) {
  nb::object result = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(sizes.size())));
  for (size_t i = 0; i < sizes.size(); ++i) {
    PyTuple_SetItem(result.ptr(), static_cast<Py_ssize_t>(i), nb::int_(sizes[i]).release().ptr());
  }
  return result;
}

int64_t first_size(const Tensor& tensor) {
  if (tensor.dim() == 0) throw TypeError("len() of a 0-d tensor");
  return tensor.size(0);
}

/// The array protocol of NumPy 1 and 2.
nb::object as_numpy(nb::handle self, nb::handle dtype, nb::handle copy) {
  const nb::object array = numpy_array(self);
  const bool must_copy = !copy.is_none() && nb::cast<bool>(copy);
  if (dtype.is_none()) return must_copy ? array.attr("copy")() : array;
  return array.attr("astype")(dtype, "copy"_a = must_copy);
}

void bind_facts(TensorClass& tensor_class) {
  tensor_class
      .def_prop_ro(
          "shape", [](const Tensor& self) { return size_tuple(self.sizes()); },
          nb::sig("def shape(self) -> tuple[int, ...]"), "Sizes of the dimensions.")
      .def_prop_ro("dtype", &Tensor::dtype)
      .def_prop_ro("device", [](const Tensor&) { return Device{}; })
      .def_prop_ro("ndim", &Tensor::dim)
      .def_prop_ro("nbytes", &Tensor::nbytes)
      .def_prop_ro("itemsize", &Tensor::itemsize)
      .def_prop_ro("requires_grad", &Tensor::requires_grad, "Kept for archives; nothing is differentiated.")
      .def_prop_ro("is_cuda", [](const Tensor&) { return false; })
      .def_prop_ro("data", [](const Tensor& self) { return self; })
      .def(
          "requires_grad_", [](const Tensor& self, bool) { return self; }, "requires_grad"_a = true,
          "Changes nothing: nothing is differentiated.")
      .def("dim", &Tensor::dim)
      .def(
          "size",
          [](const Tensor& self, std::optional<int64_t> dim) -> nb::object {
            if (dim.has_value()) return nb::int_(self.size(*dim));
            return size_tuple(self.sizes());
          },
          "dim"_a = nb::none(), nb::sig("def size(self, dim: int | None = None) -> Any"))
      .def(
          "stride", [](const Tensor& self) { return size_tuple(self.strides()); },
          nb::sig("def stride(self) -> tuple[int, ...]"))
      .def("numel", &Tensor::numel)
      .def("nelement", &Tensor::numel)
      .def("storage_offset", &Tensor::storage_offset)
      .def("data_ptr",
           [](const Tensor& self) {
             self.storage()->expose();
             return reinterpret_cast<uintptr_t>(self.raw_data());
           })
      .def("element_size", &Tensor::itemsize)
      .def("is_contiguous", &Tensor::is_contiguous)
      .def("is_floating_point", &Tensor::is_floating_point)
      .def("is_same", &Tensor::is_same, "other"_a, "Whether both names stand for one tensor.");
}

void bind_views(TensorClass& tensor_class) {
  tensor_class
      .def(
          "view", [](const Tensor& self, const nb::args& sizes) { return self.view(dims_of(sizes)); },
          nb::sig("def view(self, *sizes: int | Sequence[int]) -> Tensor"))
      .def(
          "reshape", [](const Tensor& self, const nb::args& sizes) { return self.reshape(dims_of(sizes)); },
          nb::sig("def reshape(self, *sizes: int | Sequence[int]) -> Tensor"))
      .def(
          "expand", [](const Tensor& self, const nb::args& sizes) { return self.expand(dims_of(sizes)); },
          nb::sig("def expand(self, *sizes: int | Sequence[int]) -> Tensor"))
      .def(
          "permute", [](const Tensor& self, const nb::args& dims) { return self.permute(dims_of(dims)); },
          nb::sig("def permute(self, *dims: int | Sequence[int]) -> Tensor"))
      .def("transpose", &Tensor::transpose, "dim0"_a, "dim1"_a)
      .def("t", t)
      .def_prop_ro("T", transposed)
      .def_prop_ro("mT", [](const Tensor& self) { return self.transpose(-2, -1); })
      .def("unsqueeze", &Tensor::unsqueeze, "dim"_a)
      .def(
          "squeeze",
          [](const Tensor& self, std::optional<int64_t> dim) {
            return dim.has_value() ? self.squeeze(*dim) : squeeze_all(self);
          },
          "dim"_a = nb::none())
      .def("select", &Tensor::select, "dim"_a, "index"_a)
      .def("flatten", flatten, "start_dim"_a = 0, "end_dim"_a = -1)
      .def("detach", [](const Tensor& self) { return self; })
      .def("cpu", [](const Tensor& self) { return self; })
      .def(
          "cuda", [](const Tensor& self, nb::handle) { return self; }, "device"_a = nb::none(),
          "Changes nothing: everything runs on the CPU.")
      .def("__getitem__", get_item, nb::arg().none(),
           nb::sig("def __getitem__(self, index: Any, /) -> Tensor"))
      .def("__setitem__", set_item, nb::arg().none(), nb::arg().none(),
           nb::sig("def __setitem__(self, index: Any, value: Any, /) -> None"))
      .def("__len__", first_size)
      .def(
          "__iter__", [](nb::handle self) { return nb::iter(python_operator("unbind")(self)); },
          nb::sig("def __iter__(self) -> Iterator[Tensor]"));
}

void bind_copies(TensorClass& tensor_class) {
  tensor_class.def("contiguous", &Tensor::contiguous)
      .def("clone", &Tensor::clone)
      .def("to", to, nb::sig("def to(self, *args: Any, **kwargs: Any) -> Tensor"),
           "Converts to a dtype; devices are accepted and change nothing.")
      .def(
          "copy_",
          [](nb::handle self, const Tensor& source) {
            nb::cast<const Tensor&>(self).copy_(source);
            return nb::borrow(self);
          },
          "source"_a, nb::sig("def copy_(self, source: Tensor) -> Tensor"))
      .def(
          "fill_",
          [](nb::handle self, nb::handle value) {
            const bool is_whole = PyLong_Check(value.ptr()) != 0;
            nb::cast<const Tensor&>(self).fill_(is_whole ? Scalar(whole_number(value))
                                                         : Scalar(nb::cast<double>(value)));
            return nb::borrow(self);
          },
          "value"_a, nb::sig("def fill_(self, value: float) -> Tensor"));
  const struct {
    const char* name;
    ScalarType dtype;
  } casts[] = {{"float", kFloat}, {"double", kDouble}, {"half", kHalf}, {"bfloat16", kBFloat16},
               {"long", kLong},   {"int", kInt},       {"bool", kBool}};
  for (const auto& [name, dtype] : casts) {
    tensor_class.def(
        name, [dtype](const Tensor& self) { return self.to(dtype); },
        nb::sig((std::string("def ") + name + "(self) -> Tensor").c_str()));
  }
}

void bind_python_values(TensorClass& tensor_class) {
  tensor_class.def("item", item, nb::sig("def item(self) -> Any"), "The value of a one-element tensor.")
      .def("tolist", to_list, nb::sig("def tolist(self) -> Any"), "A number, or nested lists of numbers.")
      .def("numpy", numpy_array, nb::sig("def numpy(self) -> Any"), "A NumPy array that shares the memory.")
      .def("__array__", as_numpy, "dtype"_a = nb::none(), "copy"_a = nb::none(),
           nb::sig("def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any"))
      .def("__dlpack__", dlpack_capsule, nb::sig("def __dlpack__(self, **kwargs: Any) -> Any"))
      .def(
          "__dlpack_device__", [](const Tensor&) { return std::vector<int>{1, 0}; },
          nb::sig("def __dlpack_device__(self) -> tuple[int, int]"))
      .def("__bool__", truth)
      .def(
          "__float__", [](const Tensor& self) { return nb::float_(item(self)); },
          nb::sig("def __float__(self) -> float"))
      .def(
          "__int__", [](const Tensor& self) { return nb::int_(item(self)); },
          nb::sig("def __int__(self) -> int"))
      .def(
          "__index__",
          [](const Tensor& self) {
            if (is_floating_point(self.dtype()) || self.numel() != 1) {
              throw TypeError("only integer tensors of a single element can be converted to an index");
            }
            return nb::int_(item(self));
          },
          nb::sig("def __index__(self) -> int"))
      .def("__hash__", [](nb::handle self) { return reinterpret_cast<intptr_t>(self.ptr()) >> 4; })
      .def("__copy__", [](const Tensor& self) { return self; })
      .def(
          "__deepcopy__", [](const Tensor& self, nb::handle) { return self.clone(); }, "memo"_a)
      .def(
          "__reduce__",
          [](const Tensor& self) {
            const Tensor dense = self.contiguous();
            const nb::object make = nb::module_::import_("calque._pickling").attr("tensor");
            const nb::bytes content(dense.raw_data(), static_cast<size_t>(dense.nbytes()));
            return nb::make_tuple(make, nb::make_tuple(content, std::string(dtype_name(self.dtype())),
                                                       size_tuple(self.sizes())));
          },
          nb::sig("def __reduce__(self) -> tuple[Any, tuple[bytes, str, tuple[int, ...]]]"));
}

/// What pickling a tensor has written.
Tensor tensor_from_bytes(const nb::bytes& content, const std::string& dtype, const Dims& sizes) {
  const OptionalDtype type = dtype_from_name(dtype);
  if (!type.has_value()) throw ValueError("tensor_from_bytes: there is no dtype " + dtype);
  Tensor tensor = empty(sizes, *type);
  if (static_cast<size_t>(tensor.nbytes()) != content.size()) {
    throw ValueError("tensor_from_bytes: found " + std::to_string(content.size()) + " bytes, expected " +
                     std::to_string(tensor.nbytes()));
  }
  if (content.size() > 0) std::memcpy(tensor.raw_data(), content.data(), content.size());
  return tensor;
}

void bind_factories(nb::module_& module) {
  module.def(
      "tensor",
      [](nb::handle data, OptionalDtype dtype, nb::handle, bool) { return make_tensor(data, dtype); },
      "data"_a, nb::kw_only(), "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
      nb::sig("def tensor(data: Any, *, dtype: dtype | None = None, device: Any = None, "
              "requires_grad: bool = False) -> Tensor"),
      "A new tensor with a copy of `data`: a number, nested lists of equal lengths, an array, a tensor.\n\n"
      "Whole numbers give int64, others float32, booleans bool, arrays keep their dtype.\n"
      "Raises ValueError when lists are ragged.");
  module.def("from_numpy", tensor_from_array, "array"_a, nb::sig("def from_numpy(array: Any) -> Tensor"),
             "A tensor that shares the memory of a NumPy array. Read-only arrays are copied.");
  module.def("from_dlpack", tensor_from_array, "array"_a, nb::sig("def from_dlpack(array: Any) -> Tensor"),
             "A tensor that shares the memory of any array on the CPU that has `__dlpack__`.");
  module.def(
      "as_tensor",
      [](nb::handle data, OptionalDtype dtype, nb::handle) {
        if (nb::isinstance<Tensor>(data)) {
          const auto& tensor = nb::cast<const Tensor&>(data);
          return tensor.to(dtype.value_or(tensor.dtype()));
        }
        if (!is_array(data)) return make_tensor(data, dtype);
        const Tensor tensor = tensor_from_array(data);
        return tensor.to(dtype.value_or(tensor.dtype()));
      },
      "data"_a, "dtype"_a = nb::none(), "device"_a = nb::none(),
      nb::sig("def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor"),
      "As tensor(), without a copy where the data is an array or a tensor of that dtype already.");
  const struct {
    const char* name;
    Tensor (*make)(IntArrayRef sizes, ScalarType dtype);
  } makers[] = {{"empty", empty}, {"zeros", zeros}, {"ones", ones}};
  for (const auto& [name, make] : makers) {
    const std::string signature = std::string("def ") + name +
                                  "(*size: int | Sequence[int], dtype: dtype | None = None, "
                                  "device: Any = None, requires_grad: bool = False) -> Tensor";
    module.def(
        name,
        [make](const nb::args& size, OptionalDtype dtype, nb::handle, bool) {
          return make(dims_of(size), dtype.value_or(kFloat));
        },
        "size"_a, "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
        nb::sig(signature.c_str()));
  }
  module.def("tensor_from_bytes", tensor_from_bytes, "content"_a, "dtype"_a, "sizes"_a);
  module.def("equal", equal, "input"_a, "other"_a, "Same shape, dtype and values.");
  module.def("allclose", allclose, "input"_a, "other"_a, "rtol"_a = 1e-5, "atol"_a = 1e-8,
             "equal_nan"_a = false);
}

}  // namespace

void bind_tensor(nb::module_& module) {
  bind_dtype(module);
  bind_device(module);
  TensorClass tensor_class(module, "Tensor", nb::type_slots(buffer_slots()), nb::is_weak_referenceable(),
                           "Strided view of shared memory, with PyTorch's names and meaning.");
  bind_facts(tensor_class);
  bind_views(tensor_class);
  bind_copies(tensor_class);
  bind_python_values(tensor_class);
  bind_operators(tensor_class);
  // NumPy's arrays leave arithmetic with tensors to the tensors.
  tensor_class.attr("__array_priority__") = 1000;
  bind_factories(module);
}

}  // namespace calque::python
