#include "base/text.h"
#include "calque/error.h"
#include "ir/graph.h"
#include "ir/native_class.h"

namespace calque {

std::shared_ptr<ClassType> CompilationUnit::find_class(std::string_view qualified_name) const {
  auto it = classes_by_name_.find(qualified_name);
  return it == classes_by_name_.end() ? nullptr : it->second;
}

TypePtr CompilationUnit::find_type(std::string_view qualified_name) const {
  if (TypePtr native = find_native_class(qualified_name)) return native;
  auto it = types_by_name_.find(qualified_name);
  return it == types_by_name_.end() ? nullptr : it->second;
}

Function* CompilationUnit::find_function(std::string_view qualified_name) const {
  auto it = functions_by_name_.find(qualified_name);
  return it == functions_by_name_.end() ? nullptr : it->second;
}

void CompilationUnit::add_type(const std::string& qualified_name, TypePtr type) {
  if (!types_by_name_.emplace(qualified_name, type).second) {
    throw LoadError(cat("class ", qualified_name, " is defined twice"));
  }
  types_.push_back(std::move(type));
}

void CompilationUnit::add_class(std::shared_ptr<ClassType> type) {
  add_type(type->name, type);
  classes_by_name_.emplace(type->name, std::move(type));
}

Function* CompilationUnit::add_function(std::unique_ptr<Function> function) {
  Function* raw = function.get();
  if (!functions_by_name_.emplace(function->qualified_name, raw).second) {
    throw LoadError(cat("function ", function->qualified_name, " is defined twice"));
  }
  functions_.push_back(std::move(function));
  return raw;
}

std::string CompilationUnit::unique_name(const std::string& qualified_name) {
  std::string candidate = qualified_name;
  const size_t dot = qualified_name.rfind('.');
  const std::string path = dot == std::string::npos ? "" : qualified_name.substr(0, dot + 1);
  const std::string last = dot == std::string::npos ? qualified_name : qualified_name.substr(dot + 1);
  while (types_by_name_.contains(candidate) || functions_by_name_.contains(candidate)) {
    candidate = cat(path, "___torch_mangle_", next_mangle_++, ".", last);
  }
  return candidate;
}

}  // namespace calque
