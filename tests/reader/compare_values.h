// Structural comparison of values with a tolerance for floating-point tensors.
#pragma once

#include <string>

#include "calque/ivalue.h"

namespace calque::reader_test {

struct Tolerance {
  double absolute = 1e-5;
  double relative = 1e-4;
};

/// Empty when the values agree; else where they differ and how. Named tuples compare as tuples, enums by
/// name.
std::string difference(const IValue& found, const IValue& expected, const Tolerance& tolerance);

}  // namespace calque::reader_test
