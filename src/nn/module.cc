#include "nn/module.h"

#include "base/check.h"

namespace calque::nn {
namespace {

void add_parameters(const Module& module, const std::string& prefix,
                    std::vector<std::pair<std::string, ParameterPtr>>& into) {
  for (const auto& [name, parameter] : module.own_parameters()) into.emplace_back(prefix + name, parameter);
  for (const auto& [name, child] : module.children()) add_parameters(*child, prefix + name + ".", into);
}

}  // namespace

std::string_view Module::class_name() const {
  const std::string_view whole = python_class_;
  const size_t dot = whole.rfind('.');
  return dot == std::string_view::npos ? whole : whole.substr(dot + 1);
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& [name, child] : children_) child->train(on);
}

std::vector<std::pair<std::string, ParameterPtr>> Module::named_parameters() const {
  std::vector<std::pair<std::string, ParameterPtr>> all;
  add_parameters(*this, "", all);
  return all;
}

ParameterPtr Module::register_parameter(std::string name, Dims shape, Init init) {
  auto parameter = std::make_shared<Parameter>(Parameter{std::move(shape), init, Tensor()});
  register_parameter(std::move(name), parameter);
  return parameter;
}

void Module::register_parameter(std::string name, ParameterPtr parameter) {
  check(parameter != nullptr, "a parameter is never null");
  parameters_.emplace_back(std::move(name), std::move(parameter));
}

}  // namespace calque::nn
