// Runs what depends on constants only, and takes the branches that constants decide.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "base/text.h"
#include "calque/error.h"
#include "ir/native_class.h"
#include "ops/operator.h"
#include "passes/match.h"
#include "passes/passes.h"
#include "passes/store_quantized.h"
#include "passes/writes.h"
#include "tensor/budget.h"

namespace calque::passes {

namespace {

/// A result may be so much larger than the constants that it comes from: folding must not make files grow.
constexpr int64_t kAllowance = 64 << 10;
/// What an operator may hold beyond a few times its arguments while it is folded.
constexpr int64_t kWorkspace = 16 << 20;

bool is_constant(const Value* value) { return value->node->is("prim::Constant"); }

bool all_constant(const Node& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(), is_constant);
}

/// Adds up what a value holds, shared parts each time, until that is too many parts to look at.
class Size {
 public:
  void add(const IValue& value) {
    if (++parts_ > kMostParts) return;
    if (value.isTensor() && value.tensor_impl() != nullptr) bytes += value.toTensor().nbytes();
    if (value.isString()) bytes += static_cast<int64_t>(value.toStringRef().size());
    if (value.isTuple()) add_all(value.tuple_impl()->items);
    if (value.isList()) add_all(value.list_impl()->items);
    if (value.isGenericDict()) {
      for (const auto& [key, item] : value.dict_impl()->entries) {
        add(key);
        add(item);
      }
    }
  }

  void add_all(const std::vector<IValue>& values) {
    bytes += static_cast<int64_t>(values.size() * sizeof(IValue));
    for (size_t i = 0; i < values.size() && is_small(); ++i) add(values[i]);
  }

  /// Containers that hold each other twice, and so on, are not folded: whoever reads them meets every part.
  bool is_small() const { return parts_ <= kMostParts; }

  int64_t bytes = 0;

 private:
  static constexpr int64_t kMostParts = 100'000;
  int64_t parts_ = 0;
};

Size size_of(const std::vector<IValue>& values) {
  Size size;
  size.add_all(values);
  return size;
}

/// A saved 0-dim tensor of these comes back as a number, which promotes types in another way.
bool comes_back_otherwise(const IValue& value) {
  if (!value.isTensor()) return false;
  const Tensor tensor = value.toTensor();
  if (tensor.dim() != 0 || tensor.impl()->wrapped_number) return false;
  return tensor.dtype() != kFloat32 && tensor.dtype() != kInt64 && tensor.dtype() != kBool;
}

bool is_number_type(const Type& type) {
  const TypeKind kind = type.kind();
  return kind == TypeKind::Int || kind == TypeKind::Float || kind == TypeKind::Bool ||
         kind == TypeKind::Number;
}

class Folder {
 public:
  Folder(Graph& graph, const FoldOptions& options) : graph_(graph), options_(options) {
    writes_.add(graph);
    if (options.tensors) keep_stored_weights();
  }

  void block(Block& b) {
    for (Node* node = b.first(); node != b.return_node();) {
      Node* following = node->next;
      if (node->is("prim::If") && is_constant(node->input())) {
        following = take_branch(*node, node->input()->node->value.toBool());
      } else if (node->is("prim::Loop") && never_starts(*node)) {
        skip_loop(*node);
      } else {
        for (auto& inner : node->blocks) block(*inner);
        visit(*node);
      }
      node = following;
    }
  }

 private:
  /// A weight in low precision would be one in float32, however small it is.
  void keep_stored_weights() {
    for_each_node(graph_.block(), [&](const Node& node) {
      if (calls(node, "aten::linear") && stored_weight(node.input(1))) keep(*node.input(1)->node);
    });
  }

  void keep(const Node& node) {
    if (is_constant(node.output()) || !kept_.insert(&node).second) return;
    for (const Value* input : node.inputs) keep(*input->node);
  }

  void visit(Node& node) {
    if (node.is("prim::TupleUnpack") && node.input()->node->is("prim::TupleConstruct")) {
      for (size_t i = 0; i < node.outputs.size(); ++i)
        node.output(i)->replace_all_uses_with(node.input()->node->input(i));
      return;
    }
    if (!all_constant(node)) return;
    if (node.op != nullptr) {
      operation(node);
    } else if (node.is("prim::TupleIndex")) {
      tuple_index(node);
    } else if (node.is("prim::TupleConstruct") && size_of(values_of(node)).is_small()) {
      auto tuple = IValue::tuple(values_of(node));
      const auto& type = static_cast<const TupleType&>(*node.output()->type);
      if (type.is_named()) tuple.tuple_impl()->type = node.output()->type;
      replace(node, {std::move(tuple)});
    } else if (node.is("prim::ListConstruct") && !node.inputs.empty() &&
               size_of(values_of(node)).is_small()) {
      auto list = make_ref<ListImpl>();
      list->element_type = node.output()->type->contained()[0];
      list->items = values_of(node);
      replace(node, {IValue(std::move(list))});
    } else if (node.is("prim::unchecked_cast") &&
               value_has_type(node.input()->node->value, *node.output()->type)) {
      replace(node, {node.input()->node->value});
    } else if (node.is("prim::isinstance")) {
      const IValue& value = node.input()->node->value;
      replace(node, {std::any_of(node.types.begin(), node.types.end(),
                                 [&](const TypePtr& type) { return value_has_type(value, *type); })});
    }
  }

  static std::vector<IValue> values_of(const Node& node) {
    std::vector<IValue> values;
    for (const Value* input : node.inputs) values.push_back(input->node->value);
    return values;
  }

  void tuple_index(Node& node) {
    const IValue& tuple = node.input()->node->value;
    if (!tuple.isTuple() || !node.input(1)->node->value.isInt()) return;
    const auto size = static_cast<int64_t>(tuple.tuple_impl()->items.size());
    int64_t index = node.input(1)->node->value.toInt();
    if (index < 0) index += size;
    if (index >= 0 && index < size) replace(node, {tuple.tuple_impl()->items[static_cast<size_t>(index)]});
  }

  void operation(Node& node) {
    if (has_effect(node) || node.op->schema().is_varret || kept_.contains(&node)) return;
    for (const Value* output : node.outputs) {
      if (writes_.may_be_written(output) || (!options_.tensors && !is_number_type(*output->type))) return;
    }
    const std::vector<IValue> arguments = values_of(node);
    const bool has_tensor =
        std::any_of(arguments.begin(), arguments.end(), [](const IValue& a) { return a.isTensor(); });
    const int64_t given = size_of(arguments).bytes;
    if (has_tensor && !options_.tensors) return;
    std::vector<IValue> results(node.outputs.size());
    try {
      const ScopedMemoryBudget scope(std::make_shared<MemoryBudget>(kWorkspace + 4 * given));
      node.op->call(arguments, results);
    } catch (const Error&) {
      return;  // It fails when it is run, as it should.
    }
    const Size made = size_of(results);
    if (made.is_small() && made.bytes <= given + kAllowance) replace(node, std::move(results));
  }

  void replace(Node& node, std::vector<IValue> values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!can_be_constant(values[i]) || comes_back_otherwise(values[i])) return;
      if (!value_has_type(values[i], *node.output(i)->type)) return;
      if (writes_.may_be_written(node.output(i))) return;
    }
    for (size_t i = 0; i < values.size(); ++i) {
      Node* constant = graph_.create_constant(std::move(values[i]));
      constant->range = node.range;
      constant->scope = node.scope;
      constant->output()->hint = node.output(i)->hint;
      constant->output()->type = node.output(i)->type;
      constant->insert_before(&node);
      node.output(i)->replace_all_uses_with(constant->output());
    }
  }

  /// Puts the nodes of one arm in the place of the node; gives the first of what has to be visited.
  Node* take_branch(Node& node, bool truth) {
    Block& arm = *node.blocks[truth ? 0 : 1];
    Node* first = nullptr;
    while (!arm.empty()) {
      Node* moved = arm.first();
      moved->move_before(&node);
      if (first == nullptr) first = moved;
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) node.output(i)->replace_all_uses_with(arm.outputs()[i]);
    Node* following = node.next;
    node.destroy();
    return first == nullptr ? following : first;
  }

  static bool never_starts(const Node& node) {
    const auto is = [&](size_t i, const auto& test) {
      return is_constant(node.input(i)) && test(node.input(i)->node->value);
    };
    return is(0, [](const IValue& trips) { return trips.isInt() && trips.toInt() <= 0; }) ||
           is(1, [](const IValue& start) { return start.isBool() && !start.toBool(); });
  }

  static void skip_loop(Node& node) {
    for (size_t i = 0; i < node.outputs.size(); ++i) node.output(i)->replace_all_uses_with(node.input(i + 2));
    node.destroy();
  }

  Graph& graph_;
  const FoldOptions& options_;
  Writes writes_;
  std::unordered_set<const Node*> kept_;  ///< that dequantise weights
};

bool all_can_be_constant(const std::vector<IValue>& values) {
  return std::all_of(values.begin(), values.end(), can_be_constant);
}

}  // namespace

bool can_be_constant(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::Object:  // Packed weights; objects of the program can change.
      return find_native_class(value.object_impl()->type->name) == value.object_impl()->type;
    case IValue::Tag::Future:
    case IValue::Tag::Generator:
    case IValue::Tag::Uninitialized:
      return false;
    case IValue::Tag::Tensor:
      return value.tensor_impl() != nullptr;
    case IValue::Tag::Tuple:
      return all_can_be_constant(value.tuple_impl()->items);
    case IValue::Tag::List:
      return all_can_be_constant(value.list_impl()->items);
    case IValue::Tag::Dict:
      return std::all_of(
          value.dict_impl()->entries.begin(), value.dict_impl()->entries.end(),
          [](const auto& entry) { return can_be_constant(entry.first) && can_be_constant(entry.second); });
    default:
      return true;
  }
}

void fold_constants(Graph& graph, const FoldOptions& options) { Folder(graph, options).block(graph.block()); }

}  // namespace calque::passes
