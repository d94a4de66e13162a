// Results of branches and loops that nothing reads.
#pragma once

#include "ir/graph.h"

namespace calque::torchscript {

/// Removes results of prim::If and variables of prim::Loop that nothing reads, then the constants that only
/// they needed. PyTorch does so, and a `while` of an archive needs it: its condition has a name there, which
/// would otherwise go around the loop once more with every round trip.
void remove_dead_results(Block& block);

}  // namespace calque::torchscript
