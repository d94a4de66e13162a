// Meanings of names: operators, namespaces, functions, methods, classes, casts, and the forms of the language
// that take types or unevaluated arguments.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "torchscript/sugared_value.h"

namespace calque::torchscript {

/// The operator `aten::relu`; a call fits all overloads.
Sugared builtin_function(std::string_view name);
/// `x.relu`: the operator of that name in aten with x as self.
Sugared builtin_method(Value* self, std::string_view name);
/// The operator behind a builtin function or method and its self (null for functions); false for anything
/// else.
bool is_builtin_function(const SugaredValue& value, std::string* name, Value** self);

/// `torch` and `ops.ns`: attributes are operators of the namespace `aten` or `ns`.
Sugared builtin_namespace(std::string_view name);
/// `ops`: attributes are namespaces.
Sugared ops_namespace();
/// `CONSTANTS`: attributes c0, c1, … of the program.
Sugared constants_table();

/// A compiled function.
Sugared function_value(Function& function);
/// A method of a class or interface, bound to an object.
Sugared method_value(Value* self, std::string_view name);

/// A class: calling it makes an object. `outer` finds functions that share the class's name as their prefix;
/// may be empty.
Sugared class_value(std::shared_ptr<const ClassType> type,
                    std::function<Sugared(std::string_view)> outer = {});
Sugared named_tuple_value(TypePtr type);
Sugared enum_value(TypePtr type);
/// class_value, named_tuple_value or enum_value, by the kind of the type; nullptr for other kinds.
Sugared type_value(const TypePtr& type, std::function<Sugared(std::string_view)> outer = {});

/// Forms whose arguments the compiler reads itself.
enum class SpecialForm : uint8_t {
  kAnnotate,
  kUncheckedCast,
  kUninitialized,
  kIsinstance,
  kGetattr,
  kHasattr,
  kFork,
  kTuple,
  kList,
  kDict,
  kRange,
  kZip,
  kEnumerate,
};
Sugared special_form(SpecialForm form, std::string_view name);
/// The form behind a value; nullopt for anything else.
std::optional<SpecialForm> special_form_of(const SugaredValue& value);

/// Loops: `range(...)`, `zip(...)`, `enumerate(part, start)`; the parts are iterable already.
Sugared range_value(Emitter& emitter, Position where, const std::vector<Value*>& bounds);
Sugared zip_value(std::vector<Sugared> parts);
Sugared enumerate_value(Sugared part, Value* start);

/// What every program may use without import: int, len, range, print, isinstance, …; nullptr for other names.
Sugared python_builtin(std::string_view name);

}  // namespace calque::torchscript
