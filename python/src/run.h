// Programs run without the GIL, and end at Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>

#include "calque/error.h"
#include "calque/jit.h"
#include "gil.h"
#include "interrupt.h"
#include "ivalue.h"

namespace calque::python {

/// Calls `run(options)` without the GIL and gives its result as an object. Ctrl-C ends it, and is raised.
template <class Run>
nanobind::object run_until_interrupt(jit::RunOptions options, const Run& run) {
  IValue output;
  try {
    const InterruptScope interrupt(options.cancel);
    options.cancel = interrupt.flag();
    const WithoutGil released;
    output = run(options);
  } catch (const CancelledError&) {
    raise_pending_signal();
    throw;
  }
  return from_ivalue(output);
}

}  // namespace calque::python
