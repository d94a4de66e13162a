// Which values are printed inside the expression that uses them, and which get a name.
#pragma once

#include <string>
#include <unordered_set>

#include "ir/graph.h"

namespace calque::torchscript {

/// True for nodes that are printed where they are used, however often: constants and placeholders.
bool is_constant_like(const Node& node);
/// Gives a value a wider type: `x : Optional[int] = 3`.
bool is_widening(const Node& node);

/// True when a loop counts and also tests a condition (a `for` with a `break`): source has no such loop, it
/// is printed as a `while` with a counter.
bool is_counted_while(const Node& loop);

/// True when a loop is printed as `for i in range(n)`.
bool is_counted_for(const Node& loop);

/// The debug name of a value for printing; empty when it has none. Names of the form `_12` are temporaries of
/// an earlier printing and count as none; attributes are named after themselves then.
std::string printed_hint(const Value& value);

/// Marks the nodes of `body` (and of its inner blocks, but not of forked ones) whose only use is the next
/// statement of the same block, in an order of evaluation that is the order of the graph. Printing them
/// inside that statement changes neither what is computed nor when.
std::unordered_set<const Node*> find_inlined(const Block& body);

}  // namespace calque::torchscript
