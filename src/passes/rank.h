// How many dimensions a value has, when the program says it.
#pragma once

#include <functional>
#include <optional>

#include "ir/graph.h"

namespace calque::passes {

using RankOf = std::function<std::optional<int64_t>(const Value* value)>;

/// Of the result of a node with one result, by what `rank_of` says of its arguments.
std::optional<int64_t> result_rank(const Node& node, const RankOf& rank_of);

}  // namespace calque::passes
