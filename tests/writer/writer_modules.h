// Modules built by hand, which test_handmade.py loads with real PyTorch.
#pragma once

#include "calque/ivalue.h"
#include "ir/graph.h"

namespace calque {

/// Tied parameters, views of one storage, an expanded view, every dtype.
Ref<ObjectImpl> make_weights(CompilationUnit& unit);
/// Loops of all kinds, nested branches, in-place writes.
Ref<ObjectImpl> make_control(CompilationUnit& unit);
/// Free functions, a static method, hooks, an interface, fork and wait, attribute writes.
Ref<ObjectImpl> make_calls(CompilationUnit& unit);
/// Constants of every kind as results.
Ref<ObjectImpl> make_values(CompilationUnit& unit);
/// Attributes and variables with names that source cannot hold as they are; two classes of one name.
Ref<ObjectImpl> make_names(CompilationUnit& unit);
/// Objects and containers as attributes; objects as constants.
Ref<ObjectImpl> make_objects(CompilationUnit& unit);

}  // namespace calque
