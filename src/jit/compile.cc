#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "calque/compilation_unit.h"
#include "calque/error.h"
#include "ir/graph.h"
#include "jit/executable.h"
#include "torchscript/source_compiler.h"
#include "torchscript/source_printer.h"

namespace calque::jit {

namespace {

/// A graph that takes the module first and does what `from` does.
std::unique_ptr<Graph> as_method(const Graph& from, const TypePtr& self) {
  auto graph = std::make_unique<Graph>();
  std::unordered_map<const Value*, Value*> map;
  graph->add_input(self, "self");
  for (const Value* input : from.inputs()) map[input] = graph->add_input(input->type, input->hint);
  for (const Node* node = from.block().first(); node != from.block().return_node(); node = node->next) {
    graph->block().append(clone_node(*node, *graph, map));
  }
  for (const Value* output : from.outputs()) graph->add_output(map.at(output));
  return graph;
}

Argument self_argument(const TypePtr& type) {
  Argument self;
  self.name = "self";
  self.type = type;
  return self;
}

}  // namespace

CompilationUnit::CompilationUnit(std::shared_ptr<calque::CompilationUnit> unit,
                                 std::vector<Function*> functions)
    : unit_(std::move(unit)), functions_(std::move(functions)) {}

std::vector<std::string> CompilationUnit::function_names() const {
  std::vector<std::string> names;
  for (const Function* function : functions_) names.push_back(function->name);
  return names;
}

bool CompilationUnit::has_function(std::string_view name) const {
  return std::any_of(functions_.begin(), functions_.end(),
                     [&](const Function* function) { return function->name == name; });
}

Function& CompilationUnit::function(std::string_view name) const {
  for (Function* function : functions_) {
    if (function->name == name) return *function;
  }
  throw ValueError(cat("the source has no function '", name, "'; it has ", join(function_names(), ", ")));
}

IValue CompilationUnit::run(std::string_view name, std::vector<IValue> inputs, const Kwargs& kwargs,
                            const RunOptions& options) const {
  const Function& called = function(name);
  return run_function(called, bind_arguments(called.schema, std::move(inputs), kwargs), options);
}

std::string CompilationUnit::schema(std::string_view name) const { return function(name).schema.str(); }

std::string CompilationUnit::code(std::string_view name) const {
  return torchscript::function_source(function(name));
}

Module CompilationUnit::module(std::string_view name) {
  const Function& from = function(name);
  const auto type = std::make_shared<ClassType>(unit_->unique_name("__torch__.PlaceholderModule"), true);
  type->add_attribute({"training", bool_type()});
  unit_->add_class(type);

  auto forward = std::make_unique<Function>();
  forward->name = "forward";
  forward->qualified_name = cat(type->name, ".forward");
  forward->schema = from.schema;
  forward->schema.name = "forward";
  forward->schema.arguments.insert(forward->schema.arguments.begin(), self_argument(type));
  forward->graph = as_method(*from.graph, type);
  type->methods.push_back(unit_->add_function(std::move(forward)));

  auto object = make_ref<ObjectImpl>();
  object->type = type;
  object->unit = unit_;
  object->slots.emplace_back(true);
  return Module(std::move(object));
}

Module CompilationUnit::object(std::string_view class_name, const Kwargs& attributes) {
  const std::shared_ptr<ClassType> type = unit_->find_class(cat("__torch__.", class_name));
  if (type == nullptr || !type->is_module) {
    throw ValueError(cat("the source has no module class '", class_name, "'"));
  }
  FunctionSchema schema{.name = std::string(class_name), .overload = {}, .arguments = {}, .returns = {}};
  for (const ClassType::Attribute& attribute : type->attributes) {
    Argument argument;
    argument.name = attribute.name;
    argument.type = attribute.type;
    schema.arguments.push_back(std::move(argument));
  }
  auto object = make_ref<ObjectImpl>();
  object->type = type;
  object->unit = unit_;
  object->slots = bind_arguments(schema, {}, attributes);
  return Module(std::move(object));
}

std::shared_ptr<CompilationUnit> compile(const std::string& source, const CompileOptions& options) {
  std::shared_ptr<calque::CompilationUnit> unit = torchscript::make_unit();
  std::vector<Function*> functions = torchscript::compile_source(*unit, options.label, source,
                                                                 {.max_depth = options.max_depth,
                                                                  .max_memory = options.max_memory,
                                                                  .modules = options.modules,
                                                                  .parts = options.parts});
  return std::make_shared<CompilationUnit>(std::move(unit), std::move(functions));
}

}  // namespace calque::jit
