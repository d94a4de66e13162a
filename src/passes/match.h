// What passes that look for patterns ask about nodes and values.
#pragma once

#include <optional>
#include <string_view>

#include "ir/graph.h"

namespace calque::passes {

/// Passes that look around from each node leave larger graphs alone.
inline constexpr int64_t kMostNodesToSearch = 20'000;
/// Nodes of the block and of those inside.
int64_t count_nodes(const Block& block);

/// Calls visit(node) for the nodes of the block and of those inside, inner ones before the node that has
/// them. It may destroy the node it is given and those before it.
template <class Visit>
void for_each_node(Block& block, const Visit& visit) {
  for (Node* node = block.first(); node != block.return_node();) {
    Node* following = node->next;
    for (auto& inner : node->blocks) for_each_node(*inner, visit);
    visit(*node);
    node = following;
  }
}

/// The node calls an overload of this operator: `aten::add`.
bool calls(const Node& node, std::string_view name);
/// The producer of `value` when it calls this operator, has one result, and lies in the same block as
/// `beside`.
Node* producer(const Value* value, std::string_view name, const Node& beside);

/// nullptr when the value is not a constant.
const IValue* constant_of(const Value* value);
bool is_none(const Value* value);
bool is_constant_int(const Value* value, int64_t wanted);
bool is_constant_bool(const Value* value, bool wanted);
bool is_constant_text(const Value* value, std::string_view wanted);
bool is_constant_ints(const Value* value, const std::vector<int64_t>& wanted);
/// An int, float or 0-dim tensor.
std::optional<double> constant_number(const Value* value);

inline bool has_one_use(const Value* value) { return value->uses.size() == 1; }

/// A constant, or an attribute of the module or of one of its submodules, or one of them transposed: the same
/// in each run unless somebody writes to it.
bool is_static(const Value* value);
/// The run-time value behind a static value, for the module `self`; None when it cannot be found.
IValue static_value(const Value* value, const IValue& self);

/// A row of the result of this `calque::linear` is made of the same row of its input, for all that is known
/// of the sizes of weights and biases (ops::matmul_factor, ops::added_tensor).
bool treats_rows_alone(const Node& linear);

/// A transpose or permute between [batch, length, heads, size] and [batch, heads, length, size].
bool swaps_heads_and_rows(const Node& node);

/// Links the static `value` before `node`, together with what it is read from.
void hoist_static(Value* value, Node* node);

/// Makes a call of the overload `full_name`, which has one result, before `place`, with that node's source
/// and scope.
Node* insert_call(std::string_view full_name, const std::vector<Value*>& inputs, Node& place);
/// Makes the node `name` of ops/fused.h before `place`, with that node's source and scope.
Node* insert_fused(std::string_view name, const std::vector<Value*>& inputs, Node& place);
/// The same in the place of `node`, which has one result, as the fused one has.
void replace_by_fused(Node& node, std::string_view name, const std::vector<Value*>& inputs);
Value* insert_constant(IValue value, Node& place);

}  // namespace calque::passes
