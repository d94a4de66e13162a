// For operators that are made of others: calls by full name.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "ops/operator.h"

namespace calque::ops {

/// All results of `aten::topk(…)`; missing trailing arguments take their defaults.
inline std::vector<IValue> invoke_all(std::string_view full_name, std::vector<IValue> arguments) {
  const Operator* op = find_operator(full_name);
  if (op == nullptr) throw InternalError(cat("no operator ", full_name));
  return call_operator(*op, std::move(arguments));
}

/// The one result, a tensor.
inline Tensor invoke(std::string_view full_name, std::vector<IValue> arguments) {
  return invoke_all(full_name, std::move(arguments))[0].toTensor();
}

}  // namespace calque::ops
