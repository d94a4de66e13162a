#include "torchscript/type_variables.h"

#include <algorithm>

#include "base/text.h"

namespace calque::torchscript {

namespace {

bool refuse(std::string* why, const TypePtr& formal, const TypePtr& actual) {
  if (why != nullptr) *why = cat("Could not match type ", actual->annotation(), " to ", formal->str());
  return false;
}

bool bind_all(const TypePtr& formal, const TypePtr& actual, TypeBindings& bindings, std::string* why) {
  if (formal->contained().size() != actual->contained().size()) return refuse(why, formal, actual);
  for (size_t i = 0; i < formal->contained().size(); ++i) {
    if (!bind_variables(formal->contained()[i], actual->contained()[i], bindings, why)) return false;
  }
  return true;
}

bool bind_one(const TypePtr& formal, const TypePtr& actual, TypeBindings& bindings, std::string* why) {
  const auto [it, inserted] = bindings.emplace(formal->str(), actual);
  if (inserted) return true;
  TypePtr unified = unify_types(it->second, actual);
  if (unified == nullptr) {
    if (why != nullptr) {
      *why = cat("Variable '", formal->str(), "' previously matched to type ", it->second->annotation(),
                 " is matched to type ", actual->annotation());
    }
    return false;
  }
  it->second = std::move(unified);
  return true;
}

bool bind_list(const TypePtr& formal, const TypePtr& actual, TypeBindings& bindings, std::string* why) {
  if (actual->kind() == TypeKind::List) return bind_all(formal, actual, bindings, why);
  if (actual->kind() != TypeKind::Tuple || actual->contained().empty()) return refuse(why, formal, actual);
  TypePtr element = actual->contained()[0];
  for (const TypePtr& other : actual->contained()) {
    element = unify_types(element, other);
    if (element == nullptr) return refuse(why, formal, actual);
  }
  return bind_variables(formal->contained()[0], element, bindings, why);
}

}  // namespace

bool has_variables(const Type& type) {
  return type.kind() == TypeKind::Var ||
         std::any_of(type.contained().begin(), type.contained().end(),
                     [](const TypePtr& inner) { return has_variables(*inner); });
}

bool bind_variables(const TypePtr& formal, const TypePtr& actual, TypeBindings& bindings, std::string* why) {
  if (!has_variables(*formal)) return true;
  switch (formal->kind()) {
    case TypeKind::Var:
      return bind_one(formal, actual, bindings, why);
    case TypeKind::List:
      return bind_list(formal, actual, bindings, why);
    case TypeKind::Optional:
      if (actual->kind() == TypeKind::None) return true;
      if (actual->kind() == TypeKind::Optional) return bind_all(formal, actual, bindings, why);
      return bind_variables(formal->contained()[0], actual, bindings, why);
    default:
      if (formal->kind() != actual->kind()) return refuse(why, formal, actual);
      return bind_all(formal, actual, bindings, why);
  }
}

TypePtr substitute(const TypePtr& type, const TypeBindings& bindings) {
  if (!has_variables(*type)) return type;
  if (type->kind() == TypeKind::Var) {
    const auto it = bindings.find(type->str());
    return it == bindings.end() ? nullptr : it->second;
  }
  std::vector<TypePtr> parts;
  for (const TypePtr& inner : type->contained()) {
    parts.push_back(substitute(inner, bindings));
    if (parts.back() == nullptr) return nullptr;
  }
  if (type->kind() == TypeKind::Tuple) return tuple_type(std::move(parts));
  if (type->kind() == TypeKind::Optional) return optional_type(std::move(parts[0]));
  return std::make_shared<const Type>(type->kind(), std::move(parts));
}

}  // namespace calque::torchscript
