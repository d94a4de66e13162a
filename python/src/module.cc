// The extension module calque._calque.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>

#include "calque/memory.h"
#include "calque/thread_pool.h"
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

namespace {

void bind_thread_settings(nb::module_& module) {
  using calque::python::WithoutGil;
  module.def("set_affinity", calque::set_affinity, nb::arg("cpus"), nb::call_guard<WithoutGil>(),
             "Binds the library's threads to processors, one each; the first is for the caller, whom "
             "pin_thread() binds. [] for none. Raises ValueError for a processor that this process may not "
             "use.");
  module.def("get_affinity", calque::get_affinity);
  module.def("pin_thread", calque::pin_thread, nb::arg("cpu"), "Binds the calling thread to a processor.");
  module.def("parse_cpu_list", calque::parse_cpu_list, nb::arg("text"));
  module.def(
      "set_spin_time",
      [](int64_t microseconds) { calque::set_spin_time(std::chrono::microseconds(microseconds)); },
      nb::arg("microseconds"),
      "How long a thread of the library waits for work before it sleeps: 50 by default, at most 1000000.");
}

}  // namespace

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
  bind_thread_settings(module);
  module.def("release_memory", calque::release_memory, nb::call_guard<calque::python::WithoutGil>(),
             "Gives back to the system what calls left behind for the next ones, in all threads.");
}
