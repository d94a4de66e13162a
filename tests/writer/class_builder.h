// Builds classes and their objects, for tests of what is done with modules.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "writer/graph_builder.h"

namespace calque {

/// A class with one object of it.
struct ClassBuilder {
  std::shared_ptr<ClassType> type;
  Ref<ObjectImpl> object = make_ref<ObjectImpl>();

  explicit ClassBuilder(const std::string& name, bool is_module = true)
      : type(std::make_shared<ClassType>(name, is_module)) {
    object->type = type;
  }

  void add(const std::string& name, const TypePtr& attribute_type, IValue value) {
    ClassType::Attribute attribute;
    attribute.name = name;
    attribute.type = attribute_type;
    type->add_attribute(std::move(attribute));
    object->slots.push_back(std::move(value));
  }
  void parameter(const std::string& name, const Tensor& value) {
    value.impl()->requires_grad = true;
    add(name, tensor_type(), value);
    type->attributes.back().is_parameter = true;
  }
  void buffer(const std::string& name, const Tensor& value) {
    add(name, tensor_type(), value);
    type->attributes.back().is_buffer = true;
  }
  void child(const std::string& name, const ClassBuilder& other) {
    add(name, other.type, IValue(other.object));
  }

  /// A builder whose first argument, `self`, is there already.
  std::pair<GraphBuilder, Value*> method(const std::string& name) const {
    GraphBuilder builder(name, type->name);
    Value* self = builder.argument("self", type);
    return {std::move(builder), self};
  }
  Function* add_method(CompilationUnit& unit, std::unique_ptr<Function> function) {
    Function* added = unit.add_function(std::move(function));
    type->methods.push_back(added);
    return added;
  }
};

}  // namespace calque
