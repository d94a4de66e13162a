#include "jit/freeze.h"

#include <unordered_map>

#include "base/text.h"
#include "calque/error.h"
#include "ir/value_walk.h"
#include "jit/executable.h"
#include "passes/passes.h"

namespace calque::jit {

namespace {

/// Tensors as constants need no gradients. What shares a tensor before shares one afterwards.
class Detacher {
 public:
  IValue value(const IValue& from) {
    if (from.isTensor()) return tensor(from.toTensor());
    const ValueWalk walk;
    if (from.isTuple()) {
      auto to = make_ref<TupleImpl>();
      to->type = from.tuple_impl()->type;
      for (const IValue& item : from.tuple_impl()->items) to->items.push_back(value(item));
      return to;
    }
    if (from.isList()) {
      auto to = make_ref<ListImpl>();
      to->element_type = from.list_impl()->element_type;
      for (const IValue& item : from.list_impl()->items) to->items.push_back(value(item));
      return to;
    }
    if (from.isGenericDict()) {
      auto to = make_ref<DictImpl>();
      to->key_type = from.dict_impl()->key_type;
      to->value_type = from.dict_impl()->value_type;
      for (const auto& [key, item] : from.dict_impl()->entries) to->insert_or_assign(key, value(item));
      return to;
    }
    return from;
  }

 private:
  IValue tensor(const Tensor& from) {
    if (!from.requires_grad()) return from;
    Tensor& to = detached_[from.impl().get()];
    if (!to.defined()) {
      to = from_storage(from.storage(), from.storage_offset(), from.sizes(), from.strides(), from.dtype());
      to.impl()->wrapped_number = from.impl()->wrapped_number;
    }
    return to;
  }

  std::unordered_map<const TensorImpl*, Tensor> detached_;
};

/// A frozen module has no methods to call, so everything has to fit.
constexpr uint64_t kMostFrozenNodes = 2'000'000;

void inline_everything(KeptMethod& method, KnownObjects& objects) {
  method.graph = method.source->graph->copy();
  do {
    passes::inline_forks(*method.graph);
    passes::inline_calls(*method.graph, {.max_nodes = kMostFrozenNodes, .leave_large = false});
  } while (objects.read(*method.graph, method.owner));
}

/// Puts constants in the place of the attributes that are never written.
class Substitution {
 public:
  Substitution(const KnownObjects& objects, const FrozenAttributes& attributes)
      : objects_(objects), attributes_(attributes) {}

  void run(Block& block) {
    for (Node* node = block.first(); node != block.return_node();) {
      Node* following = node->next;
      for (auto& inner : node->blocks) run(*inner);
      if (node->is("prim::GetAttr")) visit(*node);
      node = following;
    }
  }

 private:
  void visit(Node& node) {
    const IValue* place = objects_.place(node);
    if (place == nullptr || !attributes_.is_constant(place) || !passes::can_be_constant(*place)) return;
    Node* constant = node.graph().create_constant(detacher_.value(*place));
    constant->range = node.range;
    constant->scope = node.scope;
    constant->output()->type = node.output()->type;
    constant->output()->hint = node.output()->hint;
    constant->insert_before(&node);
    node.output()->replace_all_uses_with(constant->output());
    node.destroy();
  }

  const KnownObjects& objects_;
  const FrozenAttributes& attributes_;
  Detacher detacher_;
};

size_t count_nodes(const Block& block) {
  size_t count = 0;
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    ++count;
    for (const auto& inner : node->blocks) count += count_nodes(*inner);
  }
  return count;
}

/// Until nothing more goes: a branch that is taken can make more constants known.
void simplify(Graph& graph) {
  for (size_t before = 0, now = count_nodes(graph.block()); now != before;) {
    passes::remove_identities(graph);
    passes::fold_constants(graph);
    passes::remove_dead_code(graph);
    before = now;
    now = count_nodes(graph.block());
  }
}

const KeptMethod* find_kept(const Preserved& preserved, const Function& method) {
  for (const KeptMethod& kept : preserved.methods) {
    if (kept.source == &method) return &kept;
  }
  return nullptr;
}

void keep_method(Preserved& preserved, const Module& owner, const Function& method) {
  if (find_kept(preserved, method) == nullptr)
    preserved.methods.push_back({.owner = owner._ivalue(), .source = &method});
}

void resolve(Preserved& preserved, const Module& root, const std::string& name) {
  Module owner = root;
  std::vector<std::string> path = split(name, '.');
  const std::string last = path.back();
  path.pop_back();
  std::vector<const IValue*> on_the_way;
  for (const std::string& step : path) {
    const auto slot = owner._ivalue()->type->find_attribute(step);
    if (!slot.has_value() || !owner._ivalue()->slots[*slot].isObject())
      throw RuntimeError(cat("Unknown name: ", name));
    const IValue& place = owner._ivalue()->slots[*slot];
    on_the_way.push_back(&place);
    owner = Module(place.toObject());
  }
  if (const auto slot = owner._ivalue()->type->find_attribute(last)) {
    const IValue& place = owner._ivalue()->slots[*slot];
    preserved.attributes.insert(&place);
    if (place.isObject() && place.object_impl()->type->is_module)
      preserved.modules.insert(place.object_impl());
  } else if (const std::optional<Method> method = owner.find_method(last)) {
    keep_method(preserved, owner, method->function());
  } else {
    throw RuntimeError(cat("Unknown name: ", name));
  }
  preserved.on_the_way.insert(on_the_way.begin(), on_the_way.end());
}

}  // namespace

Preserved resolve_preserved(const Module& module, const std::vector<std::string>& names) {
  Preserved preserved;
  if (const std::optional<Method> forward = module.find_method("forward"))
    keep_method(preserved, module, forward->function());
  for (const std::string& name : names) resolve(preserved, module, name);
  const ClassType& type = *module._ivalue()->type;
  for (const auto* hooks : {&type.forward_pre_hooks, &type.forward_hooks}) {
    for (const std::string& hook : *hooks) {
      if (const Function* method = type.find_method(hook)) keep_method(preserved, module, *method);
    }
  }
  return preserved;
}

Module freeze(const Module& module, const std::vector<std::string>& preserved_attrs, bool optimize_numerics) {
  if (module.is_training()) {
    throw RuntimeError(
        "Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module "
        "before freezing.");
  }
  Preserved preserved = resolve_preserved(module, preserved_attrs);
  const auto& unit = module._ivalue()->unit;
  KnownObjects objects(unit == nullptr ? std::set<std::string>{} : swapped_attributes(*unit));
  for (KeptMethod& method : preserved.methods) inline_everything(method, objects);
  const FrozenAttributes attributes(preserved, objects);
  Substitution substitution(objects, attributes);
  for (KeptMethod& method : preserved.methods) {
    substitution.run(method.graph->block());
    simplify(*method.graph);
    if (optimize_numerics && passes::fold_batch_norm(*method.graph)) simplify(*method.graph);
  }
  return rebuild(module, preserved, objects, attributes);
}

Module optimize_for_inference(const Module& module, const std::vector<std::string>& other_methods) {
  Module frozen = module;
  if (module.hasattr("training")) {
    module.eval();
    frozen = freeze(module, other_methods);
  }
  for (const Method& method : frozen.get_methods()) plan_of(method.function());
  return frozen;
}

}  // namespace calque::jit
