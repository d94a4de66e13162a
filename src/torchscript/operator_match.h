// Which overload a call means, and its arguments in the order of the schema.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/schema.h"
#include "ops/operator.h"
#include "torchscript/emitter.h"

namespace calque::torchscript {

struct MatchedCall {
  std::vector<Value*> inputs;  ///< one per argument of the schema, defaults as constants, then varargs
  std::vector<TypePtr> return_types;
};

/// Fits arguments to a schema, as PyTorch does. `self` (may be null) is the value before the dot of
/// `x.f(...)`; it fits only a parameter of the name self. Conversions are emitted into the current block. On
/// failure nothing is left there, and `why`, when given, says what does not fit.
std::optional<MatchedCall> match_schema(Emitter& emitter, Position where, const FunctionSchema& schema,
                                        const Arguments& arguments, Value* self, Conversion conversion,
                                        std::string* why);

/// The same for a call that has one candidate; LoadError when it does not fit.
MatchedCall match_or_fail(Emitter& emitter, Position where, const FunctionSchema& schema,
                          const Arguments& arguments);

/// Emits a call of the operator `name` (`aten::add`). The first overload in registration order that fits
/// without conversions is taken, else the first that fits with them. Unknown operators and calls that fit
/// nothing are noted in the program, and AbandonFunction is thrown.
CallResult call_builtin(Emitter& emitter, Position where, std::string_view name, const Arguments& arguments,
                        Value* self);

/// True when call_builtin knows the name.
bool is_builtin(std::string_view name);

}  // namespace calque::torchscript
