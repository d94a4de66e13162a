// Which values the operations of a program may write to, through whatever alias.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace calque::passes {

/// Groups values that may share memory, and marks the groups that something writes to. Errs towards
/// "written". Method: unification of points-to sets with one set of contents for each container (B.
/// Steensgaard, "Points-to analysis in almost linear time", POPL 1996).
class Writes {
 public:
  /// The place in memory that a GetAttr or SetAttr node means, when it is known; it must not move.
  using PlaceOf = std::function<const IValue*(const Node& node)>;
  explicit Writes(PlaceOf place_of = {}) : place_of_(std::move(place_of)) {}

  /// Reads a graph; its values may be asked about afterwards. Several graphs can share one object. What
  /// callers do to the results after a run counts, too, unless `callers_write` is false.
  void add(const Graph& graph, bool callers_write = true);
  /// Counts what outlives a run of the graph, its results and what it sets as attributes, as written to: who
  /// has them may write to one and not expect the others to change.
  void mark_kept(const Graph& graph);
  /// Someone outside may write to this value and to everything inside it.
  void mark_written(const IValue& value);

  /// The memory of `value`, or an alias of it, may be written to. Numbers, texts and None never are.
  bool may_be_written(const Value* value);
  /// The same for the tensors and containers that `value` is made of.
  bool may_be_written(const IValue& value);

 private:
  using Group = uint32_t;

  Group find(Group group);
  void join(Group a, Group b);
  Group content(Group group);
  Group fresh();
  Group group_of(const Value* value);
  Group group_at(const void* memory);
  /// The group of a run-time value, with its items entered.
  Group group_of(const IValue& value);
  void write(Group group) { groups_[find(group)].written = true; }
  void write_deeply(Group group);

  void block(const Block& block);
  void mark_kept(const Block& block);
  void node(const Node& node);
  void operation(const Node& node);
  void attribute(const Node& node);
  void loop(const Node& node);
  bool structure(const Node& node);
  /// Nothing is known about what it does: it may write to everything it sees, and keep it.
  void unknown(const Node& node);
  void connect(const Value* a, const Value* b);

  struct Entry {
    Group parent = 0;
    Group content = kNone;
    bool written = false;
  };
  static constexpr Group kNone = UINT32_MAX;

  PlaceOf place_of_;
  std::vector<Entry> groups_;
  std::unordered_map<const Value*, Group> values_;
  std::unordered_map<const void*, Group> memory_;
};

}  // namespace calque::passes
