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

/// Calls `release` with the GIL, from a thread that may have it or not. Does nothing while the interpreter
/// ends or when it is gone: what would have been released then goes with the process.
void with_gil_unless_exiting(void (*release)(void*), void* object);

/// Has the interpreter say when it ends.
void watch_exit();

}  // namespace calque::python
