// Values as str() and format() print them.
#pragma once

#include <string>

#include "calque/ivalue.h"

namespace calque::ops {

/// A string as it is; floats with 17 significant digits and a point (`1.`, `0.10000000000000001`).
std::string value_text(const IValue& value);

}  // namespace calque::ops
