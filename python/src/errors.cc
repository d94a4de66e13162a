#include "errors.h"

#include <exception>

#include "calque/error.h"

namespace nb = nanobind;

namespace calque::python {
namespace {

PyObject* g_errors = nullptr;  // the module calque.errors; lives as long as the interpreter

void raise(const char* class_name, const Error& error) {
  const nb::object type = nb::borrow(g_errors).attr(class_name);
  PyErr_SetObject(type.ptr(), readable(error.what()).ptr());
}

void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const LoadError& error) {
    raise("LoadError", error);
  } catch (const RuntimeError& error) {
    raise("RuntimeError", error);
  } catch (const ValueError& error) {
    raise("ValueError", error);
  } catch (const TypeError& error) {
    raise("TypeError", error);
  } catch (const IndexError& error) {
    raise("IndexError", error);
  } catch (const NotImplementedError& error) {
    raise("NotImplementedError", error);
  } catch (const LimitError& error) {
    raise("LimitError", error);
  } catch (const CancelledError& error) {
    raise("CancelledError", error);
  } catch (const InternalError& error) {
    raise("InternalError", error);
  } catch (const Error& error) {
    raise("Error", error);
  }
}

}  // namespace

void bind_errors() {
  g_errors = nb::module_::import_("calque.errors").release().ptr();
  nb::register_exception_translator(translate);
}

nb::str readable(std::string_view text) {
  return nb::steal<nb::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

}  // namespace calque::python
