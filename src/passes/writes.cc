#include "passes/writes.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "ops/operator.h"

namespace calque::passes {

namespace {

/// Values of these types are not memory: they cannot be written to.
bool is_plain(const Type& type) {
  switch (type.kind()) {
    case TypeKind::Int:
    case TypeKind::Float:
    case TypeKind::Bool:
    case TypeKind::Number:
    case TypeKind::Complex:
    case TypeKind::String:
    case TypeKind::None:
    case TypeKind::Device:
    case TypeKind::Enum:
    case TypeKind::Function:
      return true;
    case TypeKind::Optional:
      return is_plain(*type.contained()[0]);
    default:
      return false;
  }
}

bool is_container(const Type& type) {
  switch (type.kind()) {
    case TypeKind::List:
    case TypeKind::Dict:
    case TypeKind::Tuple:
    case TypeKind::AnyList:
    case TypeKind::AnyTuple:
    case TypeKind::Future:
    case TypeKind::Class:
      return true;
    case TypeKind::Optional:
      return is_container(*type.contained()[0]);
    default:
      return false;
  }
}

bool is_mutable_container(const Value& value) {
  return is_container(*value.type) && value.type->kind() != TypeKind::Tuple;
}

/// Operators that may give an argument back although their schemas do not say so.
bool gives_an_argument_back(std::string_view name) {
  constexpr std::array<std::string_view, 16> kNames = {"aten::alpha_dropout",
                                                       "aten::atleast_1d",
                                                       "aten::atleast_2d",
                                                       "aten::atleast_3d",
                                                       "aten::cartesian_prod",
                                                       "aten::chain_matmul",
                                                       "aten::dropout",
                                                       "aten::einsum",
                                                       "aten::feature_alpha_dropout",
                                                       "aten::feature_dropout",
                                                       "aten::sum_to_size",
                                                       "aten::to_dense",
                                                       "aten::type_as",
                                                       "aten::unsafe_chunk",
                                                       "aten::unsafe_split",
                                                       "prim::data"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

Writes::Group Writes::fresh() {
  const auto group = static_cast<Group>(groups_.size());
  groups_.push_back({.parent = group});
  return group;
}

Writes::Group Writes::find(Group group) {
  while (groups_[group].parent != group) {
    groups_[group].parent = groups_[groups_[group].parent].parent;
    group = groups_[group].parent;
  }
  return group;
}

void Writes::join(Group a, Group b) {
  std::vector<std::pair<Group, Group>> pending = {{a, b}};
  while (!pending.empty()) {
    const Group to = find(pending.back().first);
    const Group from = find(pending.back().second);
    pending.pop_back();
    if (to == from) continue;
    groups_[from].parent = to;
    groups_[to].written = groups_[to].written || groups_[from].written;
    const Group inner = groups_[from].content;
    if (inner == kNone) continue;
    if (groups_[to].content == kNone) {
      groups_[to].content = inner;
    } else {
      pending.emplace_back(groups_[to].content, inner);
    }
  }
}

Writes::Group Writes::content(Group group) {
  const Group root = find(group);
  if (groups_[root].content == kNone) {
    const Group made = fresh();
    groups_[root].content = made;
  }
  return groups_[root].content;
}

void Writes::write_deeply(Group group) {
  std::set<Group> seen;
  for (Group at = find(group); seen.insert(at).second; at = find(groups_[at].content)) {
    write(at);
    if (groups_[at].content == kNone) return;
  }
}

Writes::Group Writes::group_at(const void* memory) {
  const auto [at, added] = memory_.try_emplace(memory, 0);
  if (added) at->second = fresh();
  return at->second;
}

Writes::Group Writes::group_of(const Value* value) {
  const auto at = values_.find(value);
  if (at != values_.end()) return at->second;
  const Group group = fresh();
  values_.emplace(value, group);
  return group;
}

Writes::Group Writes::group_of(const IValue& value) {
  const auto enter = [this](const void* memory, const auto& items) {
    const bool known = memory_.contains(memory);
    const Group group = group_at(memory);
    if (known) return group;
    for (const IValue* item : items) join(content(group), group_of(*item));
    return group;
  };
  std::vector<const IValue*> items;
  const auto add = [&items](const std::vector<IValue>& values) {
    for (const IValue& item : values) items.push_back(&item);
  };
  switch (value.tag()) {
    case IValue::Tag::Tensor:
      return value.tensor_impl() == nullptr ? fresh() : group_at(value.toTensor().storage().get());
    case IValue::Tag::List:
      if (!is_plain(*value.list_impl()->element_type)) add(value.list_impl()->items);
      return enter(value.list_impl(), items);
    case IValue::Tag::Tuple:
      add(value.tuple_impl()->items);
      return enter(value.tuple_impl(), items);
    case IValue::Tag::Dict:
      for (const auto& [key, item] : value.dict_impl()->entries) items.push_back(&item);
      return enter(value.dict_impl(), items);
    case IValue::Tag::Object:
      if (!value.object_impl()->type->is_module) add(value.object_impl()->slots);
      return enter(value.object_impl(), items);
    default:
      return fresh();
  }
}

void Writes::mark_written(const IValue& value) { write_deeply(group_of(value)); }

bool Writes::may_be_written(const Value* value) {
  const auto at = values_.find(value);
  return at != values_.end() && groups_[find(at->second)].written;
}

bool Writes::may_be_written(const IValue& value) {
  std::set<Group> seen;
  for (Group at = find(group_of(value)); seen.insert(at).second; at = find(groups_[at].content)) {
    if (groups_[at].written) return true;
    if (groups_[at].content == kNone) return false;
  }
  return false;
}

void Writes::add(const Graph& graph, bool callers_write) {
  block(graph.block());
  if (!callers_write) return;
  // Callers may do to a result what they like: a list or dict that is returned counts as written.
  for (const Value* output : graph.outputs()) {
    if (is_mutable_container(*output)) write(group_of(output));
    if (output->type->kind() == TypeKind::Tuple) write(content(group_of(output)));
  }
}

void Writes::mark_kept(const Graph& graph) {
  for (const Value* output : graph.outputs()) {
    if (!is_plain(*output->type)) write_deeply(group_of(output));
  }
  mark_kept(graph.block());
}

void Writes::mark_kept(const Block& block) {
  for (const Node* n = block.first(); n != block.return_node(); n = n->next) {
    for (const auto& inner : n->blocks) mark_kept(*inner);
    if (n->is("prim::SetAttr") && !is_plain(*n->input(1)->type)) write_deeply(group_of(n->input(1)));
  }
}

void Writes::block(const Block& block) {
  for (const Node* n = block.first(); n != block.return_node(); n = n->next) {
    for (const auto& inner : n->blocks) this->block(*inner);
    node(*n);
  }
}

void Writes::node(const Node& node) {
  if (node.op != nullptr) return operation(node);
  if (node.is("prim::Constant")) {
    if (!is_plain(*node.output()->type)) join(group_of(node.output()), group_of(node.value));
  } else if (node.is("prim::GetAttr") || node.is("prim::SetAttr")) {
    attribute(node);
  } else if (node.is("prim::If")) {
    for (const auto& arm : node.blocks) {
      for (size_t i = 0; i < node.outputs.size(); ++i) connect(node.output(i), arm->outputs()[i]);
    }
  } else if (node.is("prim::Loop")) {
    loop(node);
  } else if (!structure(node)) {
    unknown(node);
  }
}

void Writes::loop(const Node& node) {
  const Block& body = *node.blocks[0];
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    connect(node.output(i), node.input(i + 2));
    connect(node.output(i), body.inputs()[i + 1]);
    connect(node.output(i), body.outputs()[i + 1]);
  }
}

void Writes::attribute(const Node& node) {
  const Value* value = node.is("prim::GetAttr") ? node.output() : node.input(1);
  if (node.is("prim::SetAttr")) write(group_of(node.input()));
  if (is_plain(*value->type)) return;
  const IValue* place = place_of_ ? place_of_(node) : nullptr;
  if (place == nullptr) {
    join(content(group_of(node.input())), group_of(value));
    return;
  }
  join(group_at(place), group_of(value));
  join(group_of(value), group_of(*place));
}

/// False for kinds that it does not know.
bool Writes::structure(const Node& node) {
  const bool takes_apart = node.is("prim::TupleUnpack") || node.is("prim::ListUnpack") ||
                           node.is("prim::TupleIndex") || node.is("aten::wait") ||
                           node.is("prim::awaitable_wait");
  const bool makes = node.is("prim::TupleConstruct") || node.is("prim::ListConstruct") ||
                     node.is("prim::DictConstruct") || node.is("prim::CreateObject") ||
                     node.is("prim::Uninitialized");
  const bool passes = node.is("prim::unchecked_cast") || node.is("prim::unchecked_unwrap_optional");
  const bool reads = node.is("prim::isinstance") || node.is("prim::EnumName") || node.is("prim::EnumValue") ||
                     node.is("prim::RaiseException") || node.is("prim::Print") || node.is("aten::warn");
  if (takes_apart) {
    for (const Value* output : node.outputs) {
      if (!is_plain(*output->type)) join(content(group_of(node.input())), group_of(output));
    }
  } else if (makes) {
    for (const Value* input : node.inputs) {
      if (!is_plain(*input->type)) join(content(group_of(node.output())), group_of(input));
    }
  } else if (passes) {
    connect(node.output(), node.input());
  } else if (node.is("prim::TupleSlice")) {
    join(content(group_of(node.output())), content(group_of(node.input())));
  }
  return takes_apart || makes || passes || reads || node.is("prim::TupleSlice");
}

void Writes::operation(const Node& node) {
  const FunctionSchema& schema = node.op->schema();
  const auto argument = [&](size_t i) {
    return i < schema.arguments.size() ? &schema.arguments[i] : nullptr;
  };
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (argument(i) == nullptr || !argument(i)->is_write() || is_plain(*node.input(i)->type)) continue;
    write(group_of(node.input(i)));
    if (!is_container(*node.input(i)->type)) continue;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (k != i) connect(node.input(i), node.input(k));
    }
  }
  for (size_t r = 0; r < node.outputs.size(); ++r) {
    const Value* output = node.output(r);
    if (is_plain(*output->type)) continue;
    const bool labelled = schema.is_varret || r >= schema.returns.size() ||
                          !schema.returns[r].alias.empty() || gives_an_argument_back(schema.name);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Value* input = node.input(i);
      if (is_plain(*input->type)) continue;
      const bool related = argument(i) == nullptr || !argument(i)->alias.empty() ||
                           is_container(*input->type) || gives_an_argument_back(schema.name);
      if (labelled && related) {
        connect(output, input);
      } else if (is_container(*output->type) && is_container(*input->type)) {
        join(content(group_of(output)), content(group_of(input)));
      }
    }
  }
}

void Writes::unknown(const Node& node) {
  const Group everything = fresh();
  join(content(everything), everything);
  for (const Value* input : node.inputs) {
    if (!is_plain(*input->type)) join(everything, group_of(input));
  }
  for (const Value* output : node.outputs) {
    if (!is_plain(*output->type)) join(everything, group_of(output));
  }
  write(everything);
}

/// The two values may be the same memory, or one may lie inside the other.
void Writes::connect(const Value* a, const Value* b) {
  if (is_plain(*a->type) || is_plain(*b->type)) return;
  const bool a_holds = is_container(*a->type);
  const bool b_holds = is_container(*b->type);
  if (a_holds == b_holds) {
    join(group_of(a), group_of(b));
  } else if (a_holds) {
    join(content(group_of(a)), group_of(b));
  } else {
    join(group_of(a), content(group_of(b)));
  }
}

}  // namespace calque::passes
