#include "jit/known_objects.h"

namespace calque::jit {

namespace {

void collect_swapped(const Block& block, std::set<std::string>& names) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->is("prim::SetAttr") && is_module_type(*node->input(1)->type)) names.insert(node->name);
    for (const auto& inner : node->blocks) collect_swapped(*inner, names);
  }
}

}  // namespace

bool is_module_type(const Type& type) {
  if (type.kind() == TypeKind::Class) return static_cast<const ClassType&>(type).is_module;
  return type.kind() == TypeKind::Interface && static_cast<const InterfaceType&>(type).is_module;
}

std::set<std::string> swapped_attributes(const CompilationUnit& unit) {
  std::set<std::string> names;
  for (const auto& function : unit.functions()) {
    if (function->graph != nullptr) collect_swapped(function->graph->block(), names);
  }
  return names;
}

bool KnownObjects::read(const Graph& graph, const Ref<ObjectImpl>& self) {
  const bool changed = note(graph.inputs()[0], self.get());
  return block(graph.block()) || changed;
}

bool KnownObjects::block(const Block& block) {
  bool changed = false;
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->is("prim::GetAttr")) {
      const IValue* slot = place(*node);
      const bool is_module = slot != nullptr && slot->isObject() && slot->object_impl()->type->is_module;
      if (is_module && !swapped_.contains(node->name)) changed |= note(node->output(), slot->object_impl());
    } else if (node->is("prim::unchecked_cast") && object(node->input()) != nullptr) {
      changed |= note(node->output(), object(node->input()));
    }
    for (const auto& inner : node->blocks) changed |= this->block(*inner);
  }
  return changed;
}

bool KnownObjects::note(Value* value, ObjectImpl* object) {
  objects_[value] = object;
  if (value->type->kind() != TypeKind::Interface) return false;
  value->type = object->type;
  return true;
}

ObjectImpl* KnownObjects::object(const Value* value) const {
  const auto at = objects_.find(value);
  return at == objects_.end() ? nullptr : at->second;
}

IValue* KnownObjects::place(const Node& node) const {
  ObjectImpl* owner = object(node.input());
  if (owner == nullptr) return nullptr;
  const auto slot = owner->type->find_attribute(node.name);
  return slot.has_value() && *slot < owner->slots.size() ? &owner->slots[*slot] : nullptr;
}

}  // namespace calque::jit
