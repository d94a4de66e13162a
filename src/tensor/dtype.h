// Facts of dtypes beyond the public ones.
#pragma once

#include <string_view>

#include "calque/tensor.h"

namespace calque {

/// The name in messages of kernels and in printed tensors: `Float`, `Long`, …
std::string_view dtype_cpp_name(ScalarType dtype);

}  // namespace calque
