#include "ir/graph.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace calque {

namespace {

void drop_use(Value* value, Node* user, int offset) {
  auto it = std::find(value->uses.begin(), value->uses.end(), Value::Use{user, offset});
  check(it != value->uses.end(), "use list does not know a use");
  value->uses.erase(it);
}

void renumber_uses(Node* user, size_t from, int shift) {
  for (size_t i = from; i < user->inputs.size(); ++i) {
    for (Value::Use& use : user->inputs[i]->uses) {
      if (use.user == user && use.offset == static_cast<int>(i) - shift) {
        use.offset = static_cast<int>(i);
        break;
      }
    }
  }
}

std::unique_ptr<Value> make_value(Graph& graph, Node* node, size_t offset, TypePtr type, std::string hint) {
  auto value = std::make_unique<Value>();
  value->id = graph.next_value_id();
  value->hint = std::move(hint);
  value->type = std::move(type);
  value->node = node;
  value->offset = static_cast<int>(offset);
  return value;
}

void unlink(Node* node) {
  if (node->prev != nullptr) node->prev->next = node->next;
  if (node->next != nullptr) node->next->prev = node->prev;
  node->prev = node->next = nullptr;
}

/// Frees a node whatever uses its outputs have; for whole-graph destruction.
void free_node(Node* node) {
  for (Value* output : node->outputs) delete output;
  delete node;
}

}  // namespace

void Value::replace_all_uses_with(Value* other) {
  if (other == this) return;
  for (const Use& use : uses) {
    use.user->inputs[static_cast<size_t>(use.offset)] = other;
    other->uses.push_back(use);
  }
  uses.clear();
}

Graph& Node::graph() const { return owner->graph(); }

void Node::add_input(Value* v) {
  inputs.push_back(v);
  v->uses.push_back({this, static_cast<int>(inputs.size()) - 1});
}

void Node::replace_input(size_t i, Value* v) {
  drop_use(inputs[i], this, static_cast<int>(i));
  inputs[i] = v;
  v->uses.push_back({this, static_cast<int>(i)});
}

void Node::insert_input(size_t i, Value* v) {
  inputs.insert(inputs.begin() + static_cast<std::ptrdiff_t>(i), v);
  // From the back, so that no two inputs that are the same value share an offset meanwhile.
  for (size_t k = inputs.size() - 1; k > i; --k) {
    for (Value::Use& use : inputs[k]->uses) {
      if (use.user == this && use.offset == static_cast<int>(k) - 1) {
        use.offset = static_cast<int>(k);
        break;
      }
    }
  }
  v->uses.push_back({this, static_cast<int>(i)});
}

void Node::remove_input(size_t i) {
  drop_use(inputs[i], this, static_cast<int>(i));
  inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(i));
  renumber_uses(this, i, -1);
}

void Node::remove_all_inputs() {
  for (size_t i = 0; i < inputs.size(); ++i) drop_use(inputs[i], this, static_cast<int>(i));
  inputs.clear();
}

Value* Node::add_output(TypePtr type, std::string output_hint) {
  outputs.push_back(
      make_value(owner->graph(), this, outputs.size(), std::move(type), std::move(output_hint)).release());
  return outputs.back();
}

void Node::erase_output(size_t i) {
  check(outputs[i]->uses.empty(), "erase_output: the value is used");
  delete outputs[i];
  outputs.erase(outputs.begin() + static_cast<std::ptrdiff_t>(i));
  for (size_t k = i; k < outputs.size(); ++k) outputs[k]->offset = static_cast<int>(k);
}

Block* Node::add_block() {
  blocks.push_back(std::make_unique<Block>(owner->graph(), this));
  return blocks.back().get();
}

void Node::insert_before(Node* other) {
  if (owner != nullptr) {
    check(owner == owner->graph().unlinked_.get(), "insert_before: the node is linked already");
    unlink(this);
  }
  owner = other->owner;
  prev = other->prev;
  next = other;
  if (prev != nullptr) prev->next = this;
  other->prev = this;
}

void Node::insert_after(Node* other) {
  check(other->next != nullptr, "insert_after: no place after a return node");
  insert_before(other->next);
}

void Node::move_before(Node* other) {
  if (other == this) return;
  unlink(this);
  owner = nullptr;
  insert_before(other);
}

void Node::destroy() {
  // Nodes inside blocks go first, last to first, so that every use is gone before its value.
  for (auto& inner : blocks) {
    inner->return_node()->remove_all_inputs();
    while (!inner->empty()) inner->last()->destroy();
  }
  for (const Value* output : outputs)
    check(output->uses.empty(), cat("destroy: an output of ", kind, " is used"));
  remove_all_inputs();
  unlink(this);
  free_node(this);
}

Block::Block(Graph& graph, Node* owning_node) : graph_(graph), owning_node_(owning_node) {
  param_ = new Node();
  return_ = new Node();
  param_->kind = "prim::Param";
  return_->kind = "prim::Return";
  param_->owner = return_->owner = this;
  param_->next = return_;
  return_->prev = param_;
}

Block::~Block() {
  for (Node* node = param_; node != nullptr;) {
    Node* following = node->next;
    free_node(node);
    node = following;
  }
}

Value* Block::add_input(TypePtr type, std::string hint) {
  return param_->add_output(std::move(type), std::move(hint));
}

Graph::Graph()
    : top_(std::make_unique<Block>(*this, nullptr)), unlinked_(std::make_unique<Block>(*this, nullptr)) {}
Graph::~Graph() = default;

Node* Graph::create(std::string kind, const std::vector<Value*>& inputs, size_t outputs) {
  auto* node = new Node();
  node->kind = std::move(kind);
  unlinked_->append(node);
  for (Value* input : inputs) node->add_input(input);
  for (size_t i = 0; i < outputs; ++i) node->add_output(tensor_type());
  return node;
}

Node* Graph::create_constant(IValue value) {
  Node* node = create("prim::Constant");
  node->add_output(type_of(value));
  node->value = std::move(value);
  return node;
}

namespace {

void clone_block(const Block& from, Block& to, std::unordered_map<const Value*, Value*>& map) {
  for (const Value* input : from.inputs()) map[input] = to.add_input(input->type, input->hint);
  for (const Node* node = from.first(); node != from.return_node(); node = node->next) {
    to.append(clone_node(*node, to.graph(), map));
  }
  for (const Value* output : from.outputs()) {
    auto it = map.find(output);
    check(it != map.end(), "clone: a block result is not defined in the copied part");
    to.add_output(it->second);
  }
}

}  // namespace

Node* clone_node(const Node& node, Graph& into, std::unordered_map<const Value*, Value*>& map) {
  Node* copy = into.create(node.kind);
  copy->op = node.op;
  copy->value = node.value;
  copy->name = node.name;
  copy->types = node.types;
  copy->function = node.function;
  copy->range = node.range;
  copy->scope = node.scope;
  for (const Value* input : node.inputs) {
    auto it = map.find(input);
    check(it != map.end(), cat("clone: an input of ", node.kind, " is not mapped"));
    copy->add_input(it->second);
  }
  for (const auto& block : node.blocks) clone_block(*block, *copy->add_block(), map);
  for (const Value* output : node.outputs) map[output] = copy->add_output(output->type, output->hint);
  return copy;
}

std::unique_ptr<Graph> Graph::copy() const {
  auto graph = std::make_unique<Graph>();
  std::unordered_map<const Value*, Value*> map;
  clone_block(block(), graph->block(), map);
  return graph;
}

}  // namespace calque
