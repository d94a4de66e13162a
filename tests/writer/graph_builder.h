// Builds functions node by node, for tests of what is done with graphs.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "ops/operator.h"

namespace calque {

inline Argument make_argument(std::string name, TypePtr type, std::optional<IValue> fallback = std::nullopt) {
  Argument argument;
  argument.name = std::move(name);
  argument.type = std::move(type);
  argument.default_value = std::move(fallback);
  return argument;
}

/// One function. Operators are made from their schemas, so that no operator table is needed; they live as
/// long as the program.
class GraphBuilder {
 public:
  explicit GraphBuilder(const std::string& name = "f", const std::string& prefix = "__torch__.m")
      : function_(std::make_unique<Function>()), graph_(std::make_unique<Graph>()), block_(&graph_->block()) {
    function_->name = name;
    function_->qualified_name = prefix + "." + name;
  }

  Value* argument(const std::string& name, const TypePtr& type,
                  std::optional<IValue> fallback = std::nullopt) {
    function_->schema.arguments.push_back(make_argument(name, type, std::move(fallback)));
    return graph_->add_input(type, name);
  }

  Value* constant(IValue value) { return constant_of_type(std::move(value), nullptr); }

  Value* constant_of_type(IValue value, const TypePtr& type) {
    Node* made = graph_->create_constant(std::move(value));
    if (type != nullptr) made->output()->type = type;
    block_->append(made);
    return made->output();
  }

  Node* node(const std::string& kind, const std::vector<Value*>& inputs, const std::vector<TypePtr>& outputs,
             const std::string& hint = {}) {
    Node* made = graph_->create(kind, inputs);
    for (const TypePtr& type : outputs) made->add_output(type, hint);
    block_->append(made);
    return made;
  }

  Node* op(const char* schema, const std::vector<Value*>& inputs, const std::string& hint = {}) {
    const Operator& made_operator = operators().emplace_back(parse_schema(schema), nullptr);
    const FunctionSchema& parsed = made_operator.schema();
    std::vector<TypePtr> outputs;
    for (const Argument& result : parsed.returns) outputs.push_back(result.type);
    Node* made = node(parsed.name, inputs, outputs, hint);
    made->op = &made_operator;
    return made;
  }

  Value* add(Value* a, Value* b, const std::string& hint = {}) {
    return op("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", {a, b, constant(1)},
              hint)
        ->output();
  }
  Value* mul(Value* a, Value* b) {
    return op("aten::mul.Tensor(Tensor self, Tensor other) -> Tensor", {a, b})->output();
  }
  Value* neg(Value* a, const std::string& hint = {}) {
    return op("aten::neg(Tensor self) -> Tensor", {a}, hint)->output();
  }
  Value* add_(Value* a, Value* b) {
    return op("aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)",
              {a, b, constant(1)})
        ->output();
  }
  Value* lt(Value* a, Value* b) { return op("aten::lt.int(int a, int b) -> bool", {a, b})->output(); }
  Value* add_int(Value* a, Value* b) { return op("aten::add.int(int a, int b) -> int", {a, b})->output(); }

  Value* get(Value* object, const std::string& name, const TypePtr& type) {
    Node* made = node("prim::GetAttr", {object}, {type});
    made->name = name;
    return made->output();
  }
  Value* call(Value* object, const std::string& method, std::vector<Value*> arguments,
              const TypePtr& result) {
    arguments.insert(arguments.begin(), object);
    Node* made = node("prim::CallMethod", arguments, {result});
    made->name = method;
    return made->output();
  }
  Value* tuple(const std::vector<Value*>& items) {
    std::vector<TypePtr> types;
    for (const Value* item : items) types.push_back(item->type);
    return node("prim::TupleConstruct", items, {tuple_type(types)})->output();
  }
  Value* list(const TypePtr& element, const std::vector<Value*>& items) {
    return node("prim::ListConstruct", items, {list_type(element)})->output();
  }

  /// Makes `block` the one that grows; gives the one that did.
  Block* enter(Block* block) { return std::exchange(block_, block); }

  std::unique_ptr<Function> finish(Value* result) {
    graph_->add_output(result);
    function_->schema.returns = {make_argument("", result->type)};
    function_->graph = std::move(graph_);
    verify(*function_->graph);
    return std::move(function_);
  }

 private:
  static std::deque<Operator>& operators() {
    static std::deque<Operator> all;
    return all;
  }

  std::unique_ptr<Function> function_;
  std::unique_ptr<Graph> graph_;
  Block* block_;
};

}  // namespace calque
