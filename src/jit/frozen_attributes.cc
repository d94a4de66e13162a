#include "jit/freeze.h"
#include "passes/writes.h"

namespace calque::jit {

FrozenAttributes::FrozenAttributes(const Preserved& preserved, const KnownObjects& objects)
    : objects_(objects) {
  passes::Writes writes([&](const Node& node) { return objects.place(node); });
  for (const IValue* place : preserved.attributes) {
    mutable_.insert(place);
    written_.push_back(place);
    if (preserved.modules.contains(place->object_impl())) keep_whole(*place->object_impl());
  }
  for (const KeptMethod& method : preserved.methods) {
    scan(method.graph->block(), method.owner);
    writes.add(*method.graph);
  }
  for (const IValue* place : written_) writes.mark_written(*place);
  for (const Node* node : reads_) {
    const IValue* place = objects.place(*node);
    if (writes.may_be_written(node->output()) || writes.may_be_written(*place)) mutable_.insert(place);
  }
}

/// Notes what is assigned and read, and what leaves the reach of this analysis.
void FrozenAttributes::scan(const Block& block, const Ref<ObjectImpl>& root) {
  const auto leaves = [&](const Value* value) {
    if (ObjectImpl* object = objects_.object(value)) {
      keep_whole(*object);
    } else if (is_module_type(*value->type)) {
      keep_whole(*root);
    }
  };
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    const bool set = node->is("prim::SetAttr");
    if (node->is("prim::GetAttr") || set) {
      const IValue* place = objects_.place(*node);
      if (place == nullptr) leaves(node->input());
      if (place != nullptr && set) mutable_.insert(place);
      if (place != nullptr && !set && objects_.object(node->output()) == nullptr) reads_.push_back(node);
      if (set) leaves(node->input(1));
    } else if (!node->is("prim::isinstance") && !node->is("prim::unchecked_cast")) {
      for (const Value* input : node->inputs) leaves(input);
    }
    for (const auto& inner : node->blocks) scan(*inner, root);
  }
  for (const Value* output : block.outputs()) leaves(output);
}

void FrozenAttributes::keep_whole(ObjectImpl& object) {
  if (!whole_.insert(&object).second) return;
  for (const IValue& slot : object.slots) {
    mutable_.insert(&slot);
    if (slot.isObject() && slot.object_impl()->type->is_module) {
      keep_whole(*slot.object_impl());
    } else {
      written_.push_back(&slot);
    }
  }
}

}  // namespace calque::jit
