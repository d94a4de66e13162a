#include <algorithm>

#include "base/text.h"
#include "calque/error.h"
#include "jit/executable.h"

namespace calque::jit {

namespace {

std::string short_name(const FunctionSchema& schema) {
  const size_t dot = schema.name.rfind('.');
  return dot == std::string::npos ? schema.name : schema.name.substr(dot + 1);
}

std::string declaration(const FunctionSchema& schema, char separator = '\n') {
  FunctionSchema shown = schema;
  shown.name = short_name(schema);
  return cat(separator, "Declaration: ", shown.str());
}

/// Retypes a container whose elements all have the wanted type: callers from outside often cannot name
/// element types.
IValue adapt(const IValue& value, const Type& type) {
  const Type& wanted = type.kind() == TypeKind::Optional ? *type.contained()[0] : type;
  if (wanted.kind() == TypeKind::List && value.isList() && !value_has_type(value, wanted)) {
    auto list = make_ref<ListImpl>();
    list->element_type = wanted.contained()[0];
    for (const IValue& item : value.list_impl()->items)
      list->items.push_back(adapt(item, *list->element_type));
    const bool fits = std::all_of(list->items.begin(), list->items.end(), [&](const IValue& item) {
      return value_has_type(item, *list->element_type);
    });
    if (fits) return IValue(std::move(list));
  }
  if (wanted.kind() == TypeKind::Dict && value.isGenericDict() && !value_has_type(value, wanted)) {
    auto dict = make_ref<DictImpl>();
    dict->key_type = wanted.contained()[0];
    dict->value_type = wanted.contained()[1];
    bool fits = true;
    for (const auto& [key, item] : value.dict_impl()->entries) {
      IValue converted = adapt(item, *dict->value_type);
      fits = fits && value_has_type(key, *dict->key_type) && value_has_type(converted, *dict->value_type);
      dict->insert_or_assign(key, std::move(converted));
    }
    if (fits) return IValue(std::move(dict));
  }
  return value;
}

IValue checked(const FunctionSchema& schema, size_t position, IValue value) {
  const Argument& argument = schema.arguments[position];
  if (value_has_type(value, *argument.type)) return value;
  IValue adapted = adapt(value, *argument.type);
  if (value_has_type(adapted, *argument.type)) return adapted;
  throw TypeError(cat(short_name(schema), "() Expected a value of type '", argument.type->annotation(),
                      "' for argument '", argument.name, "' but instead found type '", value.type_name(),
                      "'.\nPosition: ", position, declaration(schema)));
}

void refuse_unknown_keywords(const FunctionSchema& schema, const Kwargs& kwargs, size_t positional) {
  for (const auto& [name, value] : kwargs) {
    const auto it = std::find_if(schema.arguments.begin(), schema.arguments.end(),
                                 [&](const Argument& argument) { return argument.name == name; });
    if (it == schema.arguments.end()) {
      throw TypeError(cat("Unknown keyword argument '", name, "' for operator '", short_name(schema),
                          "'. Schema: ", schema.str()));
    }
    if (static_cast<size_t>(it - schema.arguments.begin()) < positional) {
      throw TypeError(
          cat(short_name(schema), "() got multiple values for argument '", name, "'", declaration(schema)));
    }
  }
}

}  // namespace

std::vector<IValue> bind_arguments(const FunctionSchema& schema, std::vector<IValue> positional,
                                   const Kwargs& kwargs) {
  if (const size_t given = positional.size() + kwargs.size(); given > schema.arguments.size()) {
    throw TypeError(cat(short_name(schema), "() expected at most ", schema.arguments.size(),
                        " argument(s) but received ", given, " argument(s).", declaration(schema, ' ')));
  }
  std::vector<IValue> bound;
  bound.reserve(schema.arguments.size());
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const Argument& argument = schema.arguments[i];
    if (i < positional.size()) {
      bound.push_back(checked(schema, i, std::move(positional[i])));
      continue;
    }
    const auto it = kwargs.find(argument.name);
    if (it != kwargs.end()) {
      bound.push_back(checked(schema, i, it->second));
    } else if (argument.default_value.has_value()) {
      bound.push_back(*argument.default_value);
    } else {
      throw TypeError(cat(short_name(schema), "() is missing value for argument '", argument.name, "'.",
                          declaration(schema, ' ')));
    }
  }
  refuse_unknown_keywords(schema, kwargs, positional.size());
  return bound;
}

}  // namespace calque::jit
