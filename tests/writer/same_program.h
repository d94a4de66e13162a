// Are two programs the same, up to the names of values and the places of constants?
#pragma once

#include <string>

#include "ir/graph.h"

namespace calque {

/// Empty when every function of `a` has an equal one of the same qualified name in `b`, and the other way
/// round; else the first difference.
std::string program_difference(const CompilationUnit& a, const CompilationUnit& b);

}  // namespace calque
