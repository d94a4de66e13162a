#include "jit/trace_classes.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace calque::jit {
namespace {

bool extend_path(const nn::Module& from, const void* member, std::vector<std::string>& path) {
  if (member == &from) return true;
  for (const auto& [name, parameter] : from.own_parameters()) {
    if (parameter.get() != member) continue;
    path.push_back(name);
    return true;
  }
  for (const auto& [name, child] : from.children()) {
    path.push_back(name);
    if (extend_path(*child, member, path)) return true;
    path.pop_back();
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> path_to(const nn::Module& from, const void* member) {
  std::vector<std::string> path;
  if (!extend_path(from, member, path)) return std::nullopt;
  return path;
}

TraceClasses::TraceClasses(const nn::Module& root) : root_(root) { declare(root); }

/// Children first, as PyTorch makes the classes: the numbers in mangled names follow from it.
void TraceClasses::declare(const nn::Module& module) {
  for (const auto& [name, child] : module.children()) declare(*child);
  const std::string name = unit_->unique_name(cat("__torch__.", module.python_class()));
  auto type = std::make_shared<ClassType>(name, /*is_module=*/true);
  for (const auto& [attribute, parameter] : module.own_parameters()) {
    type->add_attribute({attribute, tensor_type(), /*is_parameter=*/true});
    parameters_.emplace(parameter->value.impl().get(), parameter.get());
  }
  type->add_attribute({"training", bool_type()});
  type->add_attribute({"_is_full_backward_hook", optional_type(bool_type())});
  for (const auto& [attribute, child] : module.children()) {
    type->add_attribute({attribute, classes_.at(child.get())});
  }
  unit_->add_class(type);
  classes_.emplace(&module, std::move(type));
}

const std::shared_ptr<ClassType>& TraceClasses::class_of(const nn::Module& module) const {
  const auto found = classes_.find(&module);
  check(found != classes_.end(), "every module that is called is below the root");
  return found->second;
}

const nn::Parameter* TraceClasses::parameter_of(const TensorImpl* tensor) const {
  const auto found = parameters_.find(tensor);
  return found == parameters_.end() ? nullptr : found->second;
}

const std::string& TraceClasses::add_method(const nn::Module& module, std::unique_ptr<Graph> graph) {
  ClassType& type = *class_of(module);
  auto method = std::make_unique<Function>();
  method->name = type.methods.empty() ? "forward" : cat("forward", type.methods.size());
  method->qualified_name = cat(type.name, ".", method->name);
  method->schema.name = method->name;
  for (const Value* input : graph->inputs()) {
    Argument argument;
    argument.name = input->hint;
    argument.type = input->type;
    method->schema.arguments.push_back(std::move(argument));
  }
  Argument result;
  result.type = graph->outputs()[0]->type;
  method->schema.returns.push_back(std::move(result));
  method->graph = std::move(graph);
  Function* added = unit_->add_function(std::move(method));
  type.methods.push_back(added);
  return added->name;
}

Ref<ObjectImpl> TraceClasses::make_object(const nn::Module& module) const {
  auto object = make_ref<ObjectImpl>();
  object->type = class_of(module);
  object->unit = unit_;
  for (const auto& [name, parameter] : module.own_parameters()) object->slots.emplace_back(parameter->value);
  object->slots.emplace_back(module.training());
  object->slots.emplace_back();
  for (const auto& [name, child] : module.children()) object->slots.emplace_back(make_object(*child));
  return object;
}

}  // namespace calque::jit
