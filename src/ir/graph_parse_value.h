// Types and constants of printed graphs.
#pragma once

#include "ir/graph_parse.h"
#include "ir/text_cursor.h"

namespace calque {

/// A type as Type::str() prints it.
TypePtr parse_type(TextCursor& text, const GraphNames& names);
/// A constant of that type as graphs show it.
IValue parse_constant(TextCursor& text, const Type& type);

}  // namespace calque
