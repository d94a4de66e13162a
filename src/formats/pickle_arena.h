// All nodes of one pickle while it is read: made, counted, and taken apart without recursion.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "formats/pickle_value.h"

namespace calque {

/// What is wrong with the shape of a finished value.
enum class PickleShape : uint8_t { kFine, kContainsItself, kTooDeep, kTooLong };

/// Owns a reference to every node. Nodes may refer to each other in any way until release(), which checks
/// that the result is a tree with sharing. Destruction first cuts the links between nodes that were not
/// released, so that neither a deep nor a circular value can overflow the stack or leak.
class PickleArena {
 public:
  PickleArena() = default;
  ~PickleArena();
  PickleArena(const PickleArena&) = delete;
  PickleArena& operator=(const PickleArena&) = delete;

  std::shared_ptr<PickleNode> make(PickleKind kind);
  size_t size() const { return nodes_.size(); }

  /// Checks what can be reached from `root`; when fine, the arena lets go of it.
  PickleShape release(const PickleValue& root, uint32_t max_depth, uint64_t max_walk);

 private:
  std::vector<std::shared_ptr<PickleNode>> nodes_;
};

}  // namespace calque
