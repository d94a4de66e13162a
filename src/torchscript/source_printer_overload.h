// Which overload a printed call will mean when it is read again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "ops/operator.h"

namespace calque::torchscript {

/// An argument of a printed call.
struct PrintedArgument {
  const Value* value = nullptr;
  std::string_view keyword{};  ///< empty: by position
  TypePtr annotation{};        ///< `annotate(T, value)`; null when there is none
};

/// The overload of `name` (`aten::add`) that the call is taken for; nullptr when it fits none. Source names
/// no overloads: the types of the arguments decide.
const Operator* printed_overload(std::string_view name, const std::vector<PrintedArgument>& arguments);

}  // namespace calque::torchscript
