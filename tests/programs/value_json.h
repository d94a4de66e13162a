// Values as JSON that tells every kind apart, exactly.
#pragma once

#include <string>
#include <string_view>

#include "calque/ivalue.h"

namespace calque::programs_test {

/// None, bools, ints and texts as JSON has them; floats `{"f": "0x1.8p+1"}`, lists `[…]`, tuples `{"t":
/// […]}`, dicts `{"d": [[key, value], …]}`, tensors `{"T": [dtype, shape, values]}`, members of enums `{"e":
/// name}`, objects
/// `{"o": attributes}`.
std::string value_json(const IValue& value);
std::string string_json(std::string_view text);

}  // namespace calque::programs_test
