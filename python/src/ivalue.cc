#include "ivalue.h"

#include <complex>
#include <string>

#include "arrays.h"
#include "calque/error.h"
#include "errors.h"
#include "tensor.h"

namespace nb = nanobind;

namespace calque::python {
namespace {

/// Guards against containers that hold themselves: RecursionError, as Python's own.
class RecursionScope {
 public:
  RecursionScope() {
    if (Py_EnterRecursiveCall(" while converting a value") != 0) throw nb::python_error();
  }
  ~RecursionScope() { Py_LeaveRecursiveCall(); }
  RecursionScope(const RecursionScope&) = delete;
  RecursionScope& operator=(const RecursionScope&) = delete;
};

/// A list of one kind of element names it; the callee retypes others (and empty ones) as its signature says.
IValue list_of(std::vector<IValue> items) {
  IValue::Tag tag = items.empty() ? IValue::Tag::Tensor : items.front().tag();
  bool is_mixed = false;
  for (IValue& item : items) {
    if (item.tag() == tag) continue;
    // As in Python, whole numbers stand among floats.
    if (tag == IValue::Tag::Int && item.isDouble()) tag = IValue::Tag::Double;
    is_mixed = true;
  }
  if (is_mixed && tag == IValue::Tag::Double) {
    for (IValue& item : items) {
      if (item.isInt()) item = IValue(static_cast<double>(item.toInt()));
    }
  }
  const IValue sample = tag == IValue::Tag::Int      ? IValue(std::vector<int64_t>{})
                        : tag == IValue::Tag::Double ? IValue(std::vector<double>{})
                        : tag == IValue::Tag::Bool   ? IValue(std::vector<bool>{})
                        : tag == IValue::Tag::String ? IValue(std::vector<std::string>{})
                                                     : IValue(std::vector<Tensor>{});
  auto list = make_ref<ListImpl>();
  list->element_type = sample.list_impl()->element_type;
  list->items = std::move(items);
  return IValue(std::move(list));
}

IValue dict_of(nb::dict object) {
  auto dict = make_ref<DictImpl>();
  const IValue texts{std::vector<std::string>{}};
  const IValue numbers{std::vector<int64_t>{}};
  const IValue tensors{std::vector<Tensor>{}};
  bool has_text_keys = true;
  for (auto [key, value] : object) {
    const IValue name = to_ivalue(key);
    has_text_keys = has_text_keys && name.isString();
    dict->insert_or_assign(name, to_ivalue(value));
  }
  dict->key_type = (has_text_keys ? texts : numbers).list_impl()->element_type;
  dict->value_type = tensors.list_impl()->element_type;
  return IValue(std::move(dict));
}

std::vector<IValue> items_of(nb::handle sequence) {
  std::vector<IValue> items;
  for (const nb::handle item : sequence) items.push_back(to_ivalue(item));
  return items;
}

std::string text_of(nb::handle object) {
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
  if (text == nullptr) throw nb::python_error();
  return {text, static_cast<size_t>(size)};
}

IValue container(nb::handle object) {
  const RecursionScope scope;
  if (nb::isinstance<nb::list>(object)) return list_of(items_of(object));
  if (nb::isinstance<nb::tuple>(object)) return IValue::tuple(items_of(object));
  return dict_of(nb::borrow<nb::dict>(object));
}

nb::object list_object(const ListImpl& list) {
  nb::list result;
  for (const IValue& item : list.items) result.append(from_ivalue(item));
  return result;
}

nb::object tuple_object(const std::vector<IValue>& items) {
  nb::object result = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(items.size())));
  for (size_t i = 0; i < items.size(); ++i) {
    PyTuple_SetItem(result.ptr(), static_cast<Py_ssize_t>(i), from_ivalue(items[i]).release().ptr());
  }
  return result;
}

/// RecursionError for values that are nested deeper than Python goes, or that contain themselves.
class Nested {
 public:
  Nested() {
    if (Py_EnterRecursiveCall(" while converting a value") != 0) throw nb::python_error();
  }
  ~Nested() { Py_LeaveRecursiveCall(); }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;
};

nb::object dict_object(const DictImpl& dict) {
  nb::dict result;
  for (const auto& [key, value] : dict.entries) result[from_ivalue(key)] = from_ivalue(value);
  return result;
}

}  // namespace

IValue to_ivalue(nb::handle object) {
  const Nested nested;
  if (nb::isinstance<Tensor>(object)) return nb::cast<const Tensor&>(object);
  if (object.is_none()) return {};
  if (PyBool_Check(object.ptr())) return object.ptr() == Py_True;
  if (PyLong_Check(object.ptr())) return whole_number(object);
  if (PyFloat_Check(object.ptr())) return PyFloat_AsDouble(object.ptr());
  if (PyUnicode_Check(object.ptr())) return text_of(object);
  if (PyList_Check(object.ptr()) || PyTuple_Check(object.ptr()) || PyDict_Check(object.ptr()))
    return container(object);
  if (nb::isinstance<jit::Module>(object)) return IValue(nb::cast<const jit::Module&>(object)._ivalue());
  if (nb::isinstance<Device>(object)) return IValue(nb::cast<Device>(object));
  if (nb::isinstance<ScalarType>(object)) return static_cast<int64_t>(nb::cast<ScalarType>(object));
  if (PyComplex_Check(object.ptr())) {
    return IValue(
        std::complex<double>(PyComplex_RealAsDouble(object.ptr()), PyComplex_ImagAsDouble(object.ptr())));
  }
  if (is_array(object)) return tensor_from_array(object);
  throw TypeError(
      std::string("cannot pass an object of type ") + nb::type_name(object.type()).c_str() +
      " to a program; expected a tensor or an array, None, a number, str, list, tuple, dict or a module");
}

nb::object from_ivalue(const IValue& value) {
  const Nested nested;
  switch (value.tag()) {
    case IValue::Tag::Tensor:
      return value.tensor_impl() == nullptr ? nb::none() : nb::cast(value.toTensor());
    case IValue::Tag::Double:
      return nb::float_(value.toDouble());
    case IValue::Tag::Int:
      return nb::int_(value.toInt());
    case IValue::Tag::Bool:
      return nb::bool_(value.toBool());
    case IValue::Tag::Complex: {
      const std::complex<double> number = value.toComplexDouble();
      return nb::steal(PyComplex_FromDoubles(number.real(), number.imag()));
    }
    case IValue::Tag::String:
      return readable(value.toStringRef());
    case IValue::Tag::Tuple:
      return tuple_object(value.tuple_impl()->items);
    case IValue::Tag::List:
      return list_object(*value.list_impl());
    case IValue::Tag::Dict:
      return dict_object(*value.dict_impl());
    case IValue::Tag::Object:
      return nb::cast(jit::Module(value.toObject()));
    case IValue::Tag::Device:
      return nb::cast(value.toDevice());
    case IValue::Tag::Enum:
      return from_ivalue(value.toEnum()->value);
    case IValue::Tag::Future:
      return from_ivalue(value.toFuture()->value);
    case IValue::Tag::None:
    case IValue::Tag::Generator:
    case IValue::Tag::Uninitialized:
      return nb::none();
  }
  return nb::none();
}

std::vector<IValue> to_ivalues(const nb::args& args) {
  std::vector<IValue> values;
  values.reserve(args.size());
  for (const nb::handle item : args) values.push_back(to_ivalue(item));
  return values;
}

jit::Kwargs to_kwargs(const nb::kwargs& kwargs) {
  jit::Kwargs values;
  for (auto [key, value] : kwargs) values.emplace(text_of(key), to_ivalue(value));
  return values;
}

}  // namespace calque::python
