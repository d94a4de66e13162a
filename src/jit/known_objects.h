// Which module objects the values of a method's graph are.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "ir/graph.h"

namespace calque::jit {

/// Follows `self` and attributes that are modules.
class KnownObjects {
 public:
  /// `swapped`: names of attributes that some code assigns modules to; what they hold is not known.
  explicit KnownObjects(std::set<std::string> swapped) : swapped_(std::move(swapped)) {}

  /// Reads a graph whose input 0 is `self`. Values of an interface type whose object is known get the
  /// object's class; true when there were any, so that calls through them can be inlined.
  bool read(const Graph& graph, const Ref<ObjectImpl>& self);

  /// Null when the value is no module, or which one is not known.
  ObjectImpl* object(const Value* value) const;
  /// The slot that a GetAttr or SetAttr means; null when its object is not known.
  IValue* place(const Node& node) const;
  const std::unordered_map<const Value*, ObjectImpl*>& all() const { return objects_; }

 private:
  bool block(const Block& block);
  bool note(Value* value, ObjectImpl* object);

  std::set<std::string> swapped_;
  std::unordered_map<const Value*, ObjectImpl*> objects_;
};

/// True for modules and module interfaces.
bool is_module_type(const Type& type);
/// Names of the attributes that functions of `unit` assign modules to.
std::set<std::string> swapped_attributes(const CompilationUnit& unit);

}  // namespace calque::jit
