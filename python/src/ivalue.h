// Values of TorchScript programs to and from Python objects.
#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "calque/ivalue.h"
#include "calque/jit.h"

namespace calque::python {

/// Tensors and arrays, None, numbers, texts, lists, tuples, dicts, modules. TypeError for other objects, and
/// for lists of mixed kinds that no program takes.
IValue to_ivalue(nanobind::handle object);

/// The inverse. Objects of TorchScript classes become ScriptModule; an undefined tensor becomes None.
nanobind::object from_ivalue(const IValue& value);

std::vector<IValue> to_ivalues(const nanobind::args& args);
jit::Kwargs to_kwargs(const nanobind::kwargs& kwargs);

}  // namespace calque::python
