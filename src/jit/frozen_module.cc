// Classes and objects of a frozen module: of the old ones, what is still used.
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "jit/freeze.h"

namespace calque::jit {

namespace {

/// Types of classes that stay are owned by the old unit, so the new one keeps it.
std::shared_ptr<CompilationUnit> make_unit_above(std::shared_ptr<CompilationUnit> old) {
  return {new CompilationUnit, [old = std::move(old)](CompilationUnit* unit) {
            // A class that has an attribute of its own type would keep itself alive.
            for (const TypePtr& type : unit->types())
              unit->find_class(type->annotation())->attributes.clear();
            delete unit;
          }};
}

class Rebuilder {
 public:
  Rebuilder(const Module& module, Preserved& preserved, const KnownObjects& objects,
            const FrozenAttributes& attributes)
      : module_(module),
        preserved_(preserved),
        objects_(objects),
        attributes_(attributes),
        unit_(make_unit_above(module._ivalue()->unit)) {}

  Module run() {
    used_.insert(preserved_.attributes.begin(), preserved_.attributes.end());
    used_.insert(preserved_.on_the_way.begin(), preserved_.on_the_way.end());
    for (const KeptMethod& method : preserved_.methods) collect(method.graph->block());
    Ref<ObjectImpl> root = object(module_._ivalue());
    for (KeptMethod& method : preserved_.methods) add_method(method);
    return Module(std::move(root));
  }

 private:
  void collect(const Block& block) {
    for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
      if (node->is("prim::GetAttr") || node->is("prim::SetAttr")) used_.insert(objects_.place(*node));
      for (const auto& inner : node->blocks) collect(*inner);
    }
  }

  /// A copy with the attributes that are used; one that stays whole keeps its class.
  Ref<ObjectImpl> object(const Ref<ObjectImpl>& from) {
    if (const auto at = made_.find(from.get()); at != made_.end()) return at->second;
    auto to = make_ref<ObjectImpl>();
    made_.emplace(from.get(), to);
    const ClassType& old = *from->type;
    const bool whole = attributes_.is_whole(from.get());
    to->unit = whole ? from->unit : unit_;
    if (whole) {
      to->type = from->type;
      for (const IValue& slot : from->slots) to->slots.push_back(value(slot));
      return to;
    }
    auto type = std::make_shared<ClassType>(unit_->unique_name(old.name), /*is_module=*/true);
    unit_->add_class(type);
    to->type = type;
    classes_.emplace(from.get(), type);
    for (size_t i = 0; i < from->slots.size(); ++i) {
      if (!used_.contains(&from->slots[i])) continue;
      to->slots.push_back(value(from->slots[i]));
      ClassType::Attribute attribute = old.attributes[i];
      if (is_module_type(*attribute.type) && from->slots[i].isObject())
        attribute.type = to->slots.back().object_impl()->type;
      type->add_attribute(std::move(attribute));
    }
    return to;
  }

  IValue value(const IValue& from) {
    const bool is_module = from.isObject() && from.object_impl()->type->is_module;
    return is_module ? IValue(object(from.toObject())) : from;
  }

  void add_method(KeptMethod& method) {
    const auto at = classes_.find(method.owner.get());
    if (at == classes_.end()) return;  // It is whole and has its methods.
    retype(method.graph->block());
    auto function = std::make_unique<Function>();
    function->name = method.source->name;
    function->qualified_name = cat(at->second->name, ".", function->name);
    function->schema = method.source->schema;
    function->schema.arguments[0].type = at->second;
    function->doc = method.source->doc;
    function->graph = std::move(method.graph);
    at->second->methods.push_back(unit_->add_function(std::move(function)));
    note_hooks(*method.owner->type, *at->second, method.source->name);
  }

  static void note_hooks(const ClassType& old, ClassType& type, const std::string& method) {
    for (const auto hooks : {&ClassType::forward_pre_hooks, &ClassType::forward_hooks}) {
      for (const std::string& hook : old.*hooks) {
        if (hook == method) (type.*hooks).push_back(hook);
      }
    }
  }

  void retype(Block& block) {
    for (Value* input : block.inputs()) retype(*input);
    for (Node* node = block.first(); node != block.return_node(); node = node->next) {
      for (Value* output : node->outputs) retype(*output);
      for (auto& inner : node->blocks) retype(*inner);
    }
  }

  void retype(Value& value) {
    const auto at = classes_.find(objects_.object(&value));
    if (at != classes_.end()) value.type = at->second;
  }

  const Module& module_;
  Preserved& preserved_;
  const KnownObjects& objects_;
  const FrozenAttributes& attributes_;
  std::shared_ptr<CompilationUnit> unit_;
  std::unordered_set<const IValue*> used_;
  std::unordered_map<const ObjectImpl*, Ref<ObjectImpl>> made_;
  std::unordered_map<const ObjectImpl*, std::shared_ptr<ClassType>> classes_;
};

}  // namespace

Module rebuild(const Module& module, Preserved& preserved, const KnownObjects& objects,
               const FrozenAttributes& attributes) {
  return Rebuilder(module, preserved, objects, attributes).run();
}

}  // namespace calque::jit
