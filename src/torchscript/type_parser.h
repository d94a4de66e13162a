// Type annotations: syntax tree to types.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ir/type.h"
#include "torchscript/ast.h"

namespace calque::torchscript {

/// Finds a class, named tuple, enum or interface by its dotted name; nullptr when there is none.
using TypeLookup = std::function<TypePtr(const std::string& dotted_name, Position where)>;

/// Reads `Tensor`, `List[T]`, `Dict[K, V]`, `Optional[T]`, `Tuple[...]`, `Tuple[()]`, `Union[...]`, `A | B`,
/// `Future[T]`, `Await[T]`, `RRef[T]`, a quoted type, and names that `lookup` knows. Scripts may also say
/// `list[T]`, `dict[K, V]`, `tuple[...]`, `torch.Tensor`, `torch.device`, `typing.List[T]`.
/// Throws LoadError with the place for anything else.
TypePtr parse_type(const Source& source, const Expr& expr, const TypeLookup& lookup);

/// The same for a text, for example `Dict[str, Tensor]` in a pickle. `label` names it in messages.
TypePtr parse_type_text(std::string_view text, std::string_view label, int max_depth,
                        const TypeLookup& lookup);

/// `a.b.c` of a chain of attributes on a name; empty for any other expression.
std::string dotted_name(const Expr& expr);

}  // namespace calque::torchscript
