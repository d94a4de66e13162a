// Values of literals: defaults of arguments, constants of classes, members of enums.
#pragma once

#include <vector>

#include "calque/ivalue.h"
#include "ir/type.h"
#include "torchscript/ast.h"

namespace calque::torchscript {

/// The value of a literal: numbers, strings, True, False, None, inf, nan, lists, tuples and dicts of these,
/// annotate(T, x), torch.device("cpu"), CONSTANTS.cN. `type`, when given, is what the value must be; an int
/// fits float. LoadError with the place for anything else.
IValue literal_value(const Source& source, const Expr& expr, const TypePtr& type,
                     const std::vector<IValue>& constants);

}  // namespace calque::torchscript
