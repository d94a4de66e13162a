// The steps of freeze.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "calque/jit.h"
#include "jit/known_objects.h"

namespace calque::jit {

/// A method that stays, with a graph of its own in which all calls are inlined.
struct KeptMethod {
  Ref<ObjectImpl> owner;
  const Function* source = nullptr;
  std::unique_ptr<Graph> graph{};
};

/// What the caller asks to keep.
struct Preserved {
  std::vector<KeptMethod> methods;                ///< forward first, when there is one
  std::unordered_set<const IValue*> attributes;   ///< slots that the caller may write to
  std::unordered_set<const IValue*> on_the_way;   ///< slots of the modules that lead to them
  std::unordered_set<const ObjectImpl*> modules;  ///< stay whole, with all methods
};

/// RuntimeError "Unknown name: x" for names that mean nothing.
Preserved resolve_preserved(const Module& module, const std::vector<std::string>& names);

/// Which attributes can become constants.
class FrozenAttributes {
 public:
  FrozenAttributes(const Preserved& preserved, const KnownObjects& objects);
  bool is_constant(const IValue* place) const { return !mutable_.contains(place); }
  /// Modules whose code is not inlined everywhere; they stay as they are.
  bool is_whole(const ObjectImpl* object) const { return whole_.contains(object); }

 private:
  void scan(const Block& block, const Ref<ObjectImpl>& root);
  void keep_whole(ObjectImpl& object);

  const KnownObjects& objects_;
  std::unordered_set<const ObjectImpl*> whole_;
  std::unordered_set<const IValue*> mutable_;
  std::vector<const IValue*> written_;
  std::vector<const Node*> reads_;  ///< GetAttr nodes of known places
};

/// The frozen module: new classes with what the graphs still use. Takes the graphs.
Module rebuild(const Module& module, Preserved& preserved, const KnownObjects& objects,
               const FrozenAttributes& attributes);

}  // namespace calque::jit
