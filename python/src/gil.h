// Running without Python's lock, also while the interpreter ends.
#pragma once

#include <nanobind/nanobind.h>

namespace calque::python {

/// Gives up the GIL while it lives. A daemon thread that wants it back while the interpreter ends stops here:
/// Python would end the thread inside C++ code, which ends the process.
class WithoutGil {
 public:
  WithoutGil();
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

/// Whether the interpreter is ending, and this is another thread than the one that ends it.
bool must_not_take_gil();

/// Has the interpreter say when it ends.
void watch_exit();

}  // namespace calque::python
