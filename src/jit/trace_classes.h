// The classes and objects of a trace: one class per module instance, as PyTorch names and fills them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "calque/ivalue.h"
#include "ir/graph.h"
#include "nn/module.h"

namespace calque::jit {

class TraceClasses {
 public:
  explicit TraceClasses(const nn::Module& root);

  const std::shared_ptr<calque::CompilationUnit>& unit() const { return unit_; }
  const std::shared_ptr<ClassType>& class_of(const nn::Module& module) const;
  /// The parameter that a tensor is the value of; nullptr for other tensors.
  const nn::Parameter* parameter_of(const TensorImpl* tensor) const;
  /// Adds `graph`, whose first input is self, as the next method of the module's class: forward, forward1, ….
  const std::string& add_method(const nn::Module& module, std::unique_ptr<Graph> graph);
  /// The object tree, sharing the parameters' tensors.
  Ref<ObjectImpl> make_objects() const { return make_object(root_); }

 private:
  void declare(const nn::Module& module);
  Ref<ObjectImpl> make_object(const nn::Module& module) const;

  const nn::Module& root_;
  std::shared_ptr<calque::CompilationUnit> unit_ = std::make_shared<calque::CompilationUnit>();
  std::unordered_map<const nn::Module*, std::shared_ptr<ClassType>> classes_;
  std::unordered_map<const TensorImpl*, const nn::Parameter*> parameters_;
};

/// Attribute names that lead from `from` to a submodule or parameter below it; nullopt when it is elsewhere.
/// Empty for `from` itself.
std::optional<std::vector<std::string>> path_to(const nn::Module& from, const void* member);

}  // namespace calque::jit
