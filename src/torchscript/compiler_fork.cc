// fork: the forked code becomes a function, and what it uses from around it its arguments.
#include <algorithm>

#include "base/text.h"
#include "torchscript/closure_value.h"
#include "torchscript/compiler.h"
#include "torchscript/depth_guard.h"

namespace calque::torchscript {

Sugared FunctionCompiler::fork_call(const Expr& expr) {
  if (expr.items.size() < 2) fail(expr.where, "fork needs a function");
  const Sugared target = sugared(*expr.items[1]);
  if (const auto* closure = dynamic_cast<const ClosureValue*>(target.get())) {
    if (expr.items.size() == 2 && expr.keywords.empty())
      return simple(fork_closure(expr.where, closure->def()));
    fail(expr.where, "fork of a nested function takes no arguments");
  }
  return simple(fork_target(expr.where, target, arguments(expr, 1)));
}

Value* FunctionCompiler::fork_closure(Position where, const Stmt& def) {
  if (!def.params.empty())
    fail(def.where, "a forked nested function takes no arguments; it sees the names around it");
  auto function = std::make_unique<Function>();
  function->name = std::string(def.text);
  function->qualified_name = cat(function_.qualified_name, ".", def.text);
  function->graph = std::make_unique<Graph>();
  const Declaration declaration{.qualified_name = function->qualified_name,
                                .tree = declaration_.tree,
                                .def = &def,
                                .resolver = declaration_.resolver};
  if (def.annotation != nullptr) {
    function->schema.returns = {make_argument({}, read_type(*def.annotation))};
  }
  const DepthGuard guard(depth_, program().options().max_depth, source(), where);
  FunctionCompiler compiler(program(), *function, declaration, this);
  compiler.depth_ = depth_;
  compiler.compile();
  Node* made = node(where, "prim::fork", compiler.captured());
  made->function = add_closure(std::move(function));
  return made->add_output(future_type(made->function->schema.returns[0].type));
}

namespace {

/// Emits the body of a generated closure: one call.
class ClosureEmitter final : public Emitter {
 public:
  using Emitter::Emitter;
  std::vector<Value*> expand(Position where, const Expansion&, const std::vector<Value*>&) override {
    fail(where, "fork of an operator whose meaning depends on the version of the file");
  }
};

}  // namespace

/// `fork(f, a, b)` for a function or a method: a closure that makes the call.
Value* FunctionCompiler::fork_target(Position where, const Sugared& target, const Arguments& given) {
  // Bound methods keep their object; calling them here shows which values the call needs.
  Value* result = target->call(*this, where, given)->as_value(*this, where);
  Node* const call = result->node;
  if (!call->is("prim::CallMethod") && !call->is("prim::CallFunction")) {
    fail(where, cat("fork takes a function or a method, found ", target->describe()));
  }
  auto function = std::make_unique<Function>();
  function->name = "__forked_function";
  function->qualified_name = cat(function_.qualified_name, ".__forked_function");
  function->graph = std::make_unique<Graph>();
  ClosureEmitter emitter(program(), source(), *function->graph, function->qualified_name);
  std::vector<Value*> captured;
  std::vector<Value*> inputs;
  for (Value* input : call->inputs) {
    if (const IValue* content = constant_of(input); content != nullptr) {
      inputs.push_back(emitter.constant(where, *content, input->type));
      continue;
    }
    captured.push_back(input);
    inputs.push_back(function->graph->add_input(input->type, input->hint));
  }
  Node* inner = emitter.node(where, call->kind, inputs);
  inner->name = call->name;
  inner->function = call->function;
  const TypePtr type = result->type;
  function->graph->add_output(inner->add_output(type));
  function->schema.returns = {make_argument({}, type)};
  // Conversions and defaults that the call needed stay; the call itself goes.
  call->destroy();
  Node* made = node(where, "prim::fork", captured);
  made->function = add_closure(std::move(function));
  return made->add_output(future_type(type));
}

Function* FunctionCompiler::add_closure(std::unique_ptr<Function> function) {
  const std::string base = function->qualified_name;
  for (int i = 0; program().unit().find_function(function->qualified_name) != nullptr; ++i) {
    function->qualified_name = cat(base, i);
  }
  function->schema.name = function->qualified_name;
  for (const Value* input : function->graph->inputs()) {
    function->schema.arguments.push_back(
        make_argument(cat("arg", function->schema.arguments.size()), input->type));
  }
  return program().add(std::move(function));
}

}  // namespace calque::torchscript
