// How large functions become once the calls in them are expanded.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace calque::passes {

/// The function that a call, or an end of a `with`, runs; nullptr when only the run can tell.
const Function* known_callee(const Node& node);

struct ExpandedSize {
  uint64_t nodes = 0;  ///< in all blocks; UINT64_MAX when there are more
  uint64_t depth = 1;  ///< levels of blocks, those of callees inside those of their callers
};

/// Sizes of functions whose calls are expanded all the way down, found without expanding any.
class ExpandedSizes {
 public:
  /// Takes time by the text of what `function` reaches, however often it is called. RuntimeError for calls
  /// that form a cycle.
  const ExpandedSize& of(const Function& function);

 private:
  struct Call {
    const Function* callee;
    uint64_t depth;  ///< level of the block that it stands in
  };
  struct Visit {
    const Function* function;
    ExpandedSize size{};
    std::vector<Call> calls{};
    size_t next = 0;
  };

  static void read(const Block& block, uint64_t depth, Visit& visit);

  std::unordered_map<const Function*, ExpandedSize> sizes_;
};

}  // namespace calque::passes
