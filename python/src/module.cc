// The extension module calque._calque.
#include <nanobind/nanobind.h>

#include "calque/threads.h"
#include "errors.h"
#include "gil.h"
#include "io.h"
#include "jit.h"
#include "script.h"
#include "tensor.h"
#include "tokenizers.h"
#include "transformers.h"

namespace nb = nanobind;

NB_MODULE(_calque, module) {
  // Tensors may hold arrays that hold tensors; what is left at exit is the interpreter's to judge.
  nb::set_leak_warnings(false);
  calque::python::watch_exit();
  calque::python::bind_errors();
  calque::python::bind_tensor(module);
  calque::python::bind_jit(module);
  calque::python::bind_script(module);
  calque::python::bind_io(module);
  calque::python::bind_tokenizers(module);
  calque::python::bind_transformers(module);
  module.def("set_num_threads", calque::set_num_threads, nb::arg("threads"),
             nb::call_guard<calque::python::WithoutGil>(),
             "Threads that one call may use, the caller's own included. Raises ValueError unless 1 <= "
             "threads <= 1024.");
  module.def("get_num_threads", calque::get_num_threads);
}
