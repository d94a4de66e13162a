// Type variables of operator schemas: `aten::append.t(t[](a!) self, t(c -> *) el) -> t[](a!)`.
#pragma once

#include <map>
#include <string>

#include "ir/type.h"

namespace calque::torchscript {

/// What each variable of one call stands for.
using TypeBindings = std::map<std::string, TypePtr>;

/// Does a type hold a variable?
bool has_variables(const Type& type);

/// Binds the variables of `formal` so that `actual` fits; false, with the reason in `why` when given, if
/// impossible. Says nothing about the parts of `formal` without variables.
bool bind_variables(const TypePtr& formal, const TypePtr& actual, TypeBindings& bindings, std::string* why);

/// `type` with its variables replaced; nullptr when one is not bound.
TypePtr substitute(const TypePtr& type, const TypeBindings& bindings);

}  // namespace calque::torchscript
