#include "passes/match.h"

#include <algorithm>
#include <utility>

#include "ops/fused.h"
#include "ops/operator.h"

namespace calque::passes {

int64_t count_nodes(const Block& block) {
  int64_t count = 0;
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    ++count;
    for (const auto& inner : node->blocks) count += count_nodes(*inner);
  }
  return count;
}

bool calls(const Node& node, std::string_view name) { return node.op != nullptr && node.op->name() == name; }

Node* producer(const Value* value, std::string_view name, const Node& beside) {
  Node* node = value->node;
  return calls(*node, name) && node->outputs.size() == 1 && node->owner == beside.owner ? node : nullptr;
}

const IValue* constant_of(const Value* value) {
  return value->node->is("prim::Constant") ? &value->node->value : nullptr;
}

bool is_none(const Value* value) {
  const IValue* constant = constant_of(value);
  return constant != nullptr && constant->isNone();
}

bool is_constant_int(const Value* value, int64_t wanted) {
  const IValue* constant = constant_of(value);
  return constant != nullptr && constant->isInt() && constant->toInt() == wanted;
}

bool is_constant_bool(const Value* value, bool wanted) {
  const IValue* constant = constant_of(value);
  return constant != nullptr && constant->isBool() && constant->toBool() == wanted;
}

bool is_constant_text(const Value* value, std::string_view wanted) {
  const IValue* constant = constant_of(value);
  return constant != nullptr && constant->isString() && constant->toStringRef() == wanted;
}

bool is_constant_ints(const Value* value, const std::vector<int64_t>& wanted) {
  const IValue* constant = constant_of(value);
  return constant != nullptr && constant->isList() && constant->isIntList() &&
         constant->toIntVector() == wanted;
}

std::optional<double> constant_number(const Value* value) {
  const IValue* constant = constant_of(value);
  if (constant == nullptr) return std::nullopt;
  if (constant->isInt() || constant->isDouble()) return constant->toScalar().to_double();
  if (!constant->isTensor() || !constant->toTensor().defined()) return std::nullopt;
  const Tensor tensor = constant->toTensor();
  if (tensor.dim() != 0 || is_complex(tensor.dtype())) return std::nullopt;
  return tensor.item().to_double();
}

namespace {

/// Views with the dimensions of a matrix exchanged, and what passes put around weights and biases.
bool keeps_static(const Node& node) {
  return calls(node, "aten::t") || calls(node, "aten::numpy_T") || calls(node, "aten::transpose") ||
         calls(node, "aten::permute") || calls(node, "calque::matmul_weight") ||
         node.is("prim::TupleConstruct");
}

}  // namespace

bool is_static(const Value* value) {
  if (keeps_static(*value->node))
    return std::ranges::all_of(value->node->inputs, [](const Value* input) { return is_static(input); });
  while (value->node->is("prim::GetAttr")) value = value->node->input();
  if (value->node->is("prim::Constant")) return true;
  return value->type->kind() == TypeKind::Class && value->node->owner->owning_node() == nullptr &&
         value->node == value->node->owner->param_node() && value->offset == 0;
}

IValue static_value(const Value* value, const IValue& self) {
  if (const IValue* constant = constant_of(value)) return *constant;
  if (keeps_static(*value->node)) {
    std::vector<IValue> arguments;
    for (const Value* input : value->node->inputs) arguments.push_back(static_value(input, self));
    if (value->node->op == nullptr) return IValue::tuple(std::move(arguments));
    return call_operator(*value->node->op, std::move(arguments))[0];
  }
  if (!value->node->is("prim::GetAttr")) {
    const bool is_self = value->node == value->node->owner->param_node() && value->offset == 0;
    return is_self ? self : IValue();
  }
  const IValue owner = static_value(value->node->input(), self);
  if (!owner.isObject()) return {};
  const ObjectImpl& object = *owner.object_impl();
  const std::optional<size_t> slot = object.type->find_attribute(value->node->name);
  return slot && *slot < object.slots.size() ? object.slots[*slot] : IValue();
}

bool treats_rows_alone(const Node& linear) {
  const auto is_no_row = [](const Value* value) {
    if (calls(*value->node, "calque::matmul_weight")) return true;
    if (!value->node->is("prim::TupleConstruct")) return false;
    const IValue* added = constant_of(value->node->input(0));
    return added == nullptr || !added->isTensor() || added->toTensor().dim() != 1;
  };
  const IValue* bias = linear.inputs.size() > 2 ? constant_of(linear.input(2)) : nullptr;
  const bool is_matrix = bias != nullptr && bias->isTensor() && bias->toTensor().dim() > 1;
  return !is_matrix && std::ranges::none_of(linear.inputs, is_no_row);
}

bool swaps_heads_and_rows(const Node& node) {
  if (calls(node, "aten::transpose")) {
    return (is_constant_int(node.input(1), 1) && is_constant_int(node.input(2), 2)) ||
           (is_constant_int(node.input(1), 2) && is_constant_int(node.input(2), 1));
  }
  return calls(node, "aten::permute") && is_constant_ints(node.input(1), {0, 2, 1, 3});
}

namespace {

bool comes_after(const Node* node, const Node* other) {
  for (const Node* at = other->next; at != other->owner->return_node(); at = at->next) {
    if (at == node) return true;
  }
  return false;
}

}  // namespace

void hoist_static(Value* value, Node* node) {
  Node* maker = value->node;
  if (maker->owner != node->owner || !comes_after(maker, node)) return;
  for (Value* input : maker->inputs) hoist_static(input, node);
  maker->move_before(node);
}

namespace {

Node* insert_node(const Operator& op, const std::vector<Value*>& inputs, Node& place) {
  Node* node = place.graph().create(op.name(), inputs);
  node->op = &op;
  node->range = place.range;
  node->scope = place.scope;
  for (const Argument& result : op.schema().returns) node->add_output(result.type);
  node->insert_before(&place);
  return node;
}

}  // namespace

Node* insert_call(std::string_view full_name, const std::vector<Value*>& inputs, Node& place) {
  return insert_node(*find_operator(full_name), inputs, place);
}

Node* insert_fused(std::string_view name, const std::vector<Value*>& inputs, Node& place) {
  return insert_node(ops::fused_operator(name), inputs, place);
}

void replace_by_fused(Node& node, std::string_view name, const std::vector<Value*>& inputs) {
  Node* fused = insert_fused(name, inputs, node);
  fused->output()->hint = node.output()->hint;
  node.output()->replace_all_uses_with(fused->output());
  node.destroy();
}

Value* insert_constant(IValue value, Node& place) {
  Node* node = place.graph().create_constant(std::move(value));
  node->scope = place.scope;
  node->insert_before(&place);
  return node->output();
}

}  // namespace calque::passes
