#include "formats/pickle_arena.h"

#include <algorithm>

namespace calque {

namespace {

/// The `index`-th value below `node`, links first, then keys and values; nullptr past the last.
const PickleValue* child(const PickleNode& node, size_t index) {
  if (index < node.links.size()) return &node.links[index];
  index -= node.links.size();
  if (index >= 2 * node.pairs.size()) return nullptr;
  const auto& pair = node.pairs[index / 2];
  return index % 2 == 0 ? &pair.first : &pair.second;
}

/// Depth-first search with its own stack. A node is open while it is on the stack.
class ShapeCheck {
 public:
  ShapeCheck(size_t nodes, uint32_t max_depth, uint64_t max_walk)
      : facts_(nodes), max_depth_(max_depth), max_walk_(max_walk) {}

  PickleShape run(const PickleNode& root) {
    open(root);
    while (!path_.empty()) {
      Step& step = path_.back();
      const PickleValue* next = child(*step.node, step.next_child++);
      if (next == nullptr) {
        if (const PickleShape shape = close(); shape != PickleShape::kFine) return shape;
        continue;
      }
      const PickleNode* node = next->identity();
      if (node == nullptr) {
        walk_of(*step.node) += 1;
        continue;
      }
      const Facts& facts = facts_[node->number];
      if (facts.state == State::kOpen) return PickleShape::kContainsItself;
      if (facts.state == State::kUnseen) {
        if (node->kind != PickleKind::kString && path_.size() >= max_depth_) return PickleShape::kTooDeep;
        --step.next_child;  // met again, closed, when it is done
        open(*node);
      } else if (!add(*step.node, facts)) {
        return PickleShape::kTooLong;
      }
    }
    return PickleShape::kFine;
  }

  bool reached(const PickleNode& node) const { return facts_[node.number].state != State::kUnseen; }

 private:
  enum class State : uint8_t { kUnseen, kOpen, kClosed };
  struct Facts {
    State state = State::kUnseen;
    uint32_t depth = 0;
    uint64_t walk = 1;
  };
  struct Step {
    const PickleNode* node;
    size_t next_child;
  };

  uint64_t& walk_of(const PickleNode& node) { return facts_[node.number].walk; }

  void open(const PickleNode& node) {
    facts_[node.number].state = State::kOpen;
    path_.push_back({&node, 0});
  }

  PickleShape close() {
    const PickleNode& node = *path_.back().node;
    Facts& facts = facts_[node.number];
    facts.state = State::kClosed;
    if (node.kind != PickleKind::kString) facts.depth += 1;
    path_.pop_back();
    return facts.depth > max_depth_ ? PickleShape::kTooDeep : PickleShape::kFine;
  }

  bool add(const PickleNode& parent, const Facts& below) {
    Facts& facts = facts_[parent.number];
    facts.depth = std::max(facts.depth, below.depth);
    if (below.walk > max_walk_ - std::min(facts.walk, max_walk_)) return false;
    facts.walk += below.walk;
    return true;
  }

  std::vector<Facts> facts_;
  std::vector<Step> path_;
  uint32_t max_depth_;
  uint64_t max_walk_;
};

}  // namespace

PickleArena::~PickleArena() {
  for (const auto& node : nodes_) {
    node->links.clear();
    node->pairs.clear();
  }
}

std::shared_ptr<PickleNode> PickleArena::make(PickleKind kind) {
  auto node = std::make_shared<PickleNode>();
  node->kind = kind;
  node->number = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back(node);
  return node;
}

PickleShape PickleArena::release(const PickleValue& root, uint32_t max_depth, uint64_t max_walk) {
  if (root.identity() == nullptr) return PickleShape::kFine;
  ShapeCheck shape(nodes_.size(), max_depth, max_walk);
  const PickleShape result = shape.run(*root.identity());
  if (result == PickleShape::kFine) {
    std::erase_if(nodes_, [&](const auto& node) { return shape.reached(*node); });
  }
  return result;
}

}  // namespace calque
