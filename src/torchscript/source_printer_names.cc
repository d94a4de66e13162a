#include "torchscript/source_printer_names.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"
#include "ir/native_class.h"
#include "torchscript/class_definition.h"
#include "torchscript/source_printer_text.h"

namespace calque::torchscript {

namespace {

const std::string& stated_name(const Type& type) {
  switch (type.kind()) {
    case TypeKind::Class:
      return static_cast<const ClassType&>(type).name;
    case TypeKind::Tuple:
      return static_cast<const TupleType&>(type).name;
    case TypeKind::Enum:
      return static_cast<const EnumType&>(type).name;
    default:
      check(type.kind() == TypeKind::Interface, "a type without a name of its own");
      return static_cast<const InterfaceType&>(type).name;
  }
}

/// Each part an identifier, and at least one part before the name: `M` is `__torch__.M`.
std::string readable(const std::string& name) {
  std::string out;
  for (const std::string& part : split(name, '.')) {
    if (!out.empty()) out += '.';
    const std::string word = to_identifier(part);
    out += is_identifier(word) ? word : word + "_";
  }
  return out.find('.') == std::string::npos ? "__torch__." + out : out;
}

/// Names that printed code reads or calls in ways that a variable would hide.
bool has_meaning(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kNames = {
      "CONSTANTS", "_",   "__torch__", "annotate", "fork",  "getattr",        "inf",
      "infj",      "nan", "nanj",      "ops",      "torch", "unchecked_cast", "uninitialized"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string mangled(const std::string& name, size_t number) {
  auto [prefix, last] = split_qualified(name);
  const auto [outer, element] = split_qualified(prefix);
  if (element.starts_with("___torch_mangle_") && !outer.empty()) prefix = outer;
  return cat(prefix, ".___torch_mangle_", number, ".", last);
}

const ClassType* class_of_hook(const Function& function) {
  if (function.schema.arguments.empty()) return nullptr;
  const Type& self = *function.schema.arguments[0].type;
  if (self.kind() != TypeKind::Class) return nullptr;
  const auto& type = static_cast<const ClassType&>(self);
  return is_hook(type, function.name) && type.find_method(function.name) == &function ? &type : nullptr;
}

}  // namespace

bool is_named_type(const Type& type) {
  return type.kind() == TypeKind::Class || type.kind() == TypeKind::Enum ||
         type.kind() == TypeKind::Interface ||
         (type.kind() == TypeKind::Tuple && static_cast<const TupleType&>(type).is_named());
}

std::pair<std::string_view, std::string_view> split_qualified(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {{}, name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::string Definitions::list(std::string_view head, const std::vector<TypePtr>& parts) {
  std::string out = cat(head, "[");
  for (size_t i = 0; i < parts.size(); ++i) out += cat(i > 0 ? ", " : "", annotation(*parts[i]));
  return out + "]";
}

std::string Definitions::annotation(const Type& type) {
  if (is_named_type(type)) return name(type);
  switch (type.kind()) {
    case TypeKind::List:
      return list("List", type.contained());
    case TypeKind::Dict:
      return list("Dict", type.contained());
    case TypeKind::Optional:
      return list("Optional", type.contained());
    case TypeKind::Union:
      return list("Union", type.contained());
    case TypeKind::Future:
      return list("Future", type.contained());
    case TypeKind::Await:
      return list("Await", type.contained());
    case TypeKind::RRef:
      return list("RRef", type.contained());
    case TypeKind::Tuple:
      return type.contained().empty() ? "Tuple[()]" : list("Tuple", type.contained());
    default:
      return type.annotation();
  }
}

const std::string& Definitions::name(const Type& named) {
  if (const std::string& stated = stated_name(named); find_native_class(stated) != nullptr) return stated;
  if (const auto it = index_.find(&named); it != index_.end()) return items_[it->second].name;
  const std::string wanted = readable(stated_name(named));
  // NamedTuples, enums and interfaces may exist in several equal copies; classes are themselves only.
  if (const auto it = by_name_.find(wanted); it != by_name_.end() && named.kind() != TypeKind::Class) {
    const Item& known = items_[it->second];
    if (known.type != nullptr && *known.type == named) {
      index_.emplace(&named, it->second);
      return known.name;
    }
  }
  return add(wanted, {.type = &named, .function = nullptr, .name = {}});
}

const std::string& Definitions::name(const Function& function) {
  if (const auto it = index_.find(&function); it != index_.end()) return items_[it->second].name;
  if (const ClassType* owner = class_of_hook(function)) {
    // PyTorch finds hooks by their path below the class.
    return add(cat(name(*owner), ".", function.name), {.type = nullptr, .function = &function, .name = {}});
  }
  std::string wanted = readable(function.qualified_name.empty() ? function.name : function.qualified_name);
  // A static method lies beside its class: source has no place for it inside.
  const auto [prefix, last] = split_qualified(wanted);
  if (const auto it = by_name_.find(prefix); it != by_name_.end() && items_[it->second].type != nullptr) {
    const std::string_view module = split_qualified(prefix).first;
    wanted = module.empty() ? cat("__torch__.", last) : cat(module, ".", last);
  }
  return add(wanted, {.type = nullptr, .function = &function, .name = {}});
}

const std::string& Definitions::add(const std::string& wanted, Item item) {
  std::string free = wanted;
  for (size_t number = 0; by_name_.contains(free); ++number) free = mangled(wanted, number);
  item.name = free;
  const void* identity = item.type != nullptr ? static_cast<const void*>(item.type) : item.function;
  index_.emplace(identity, items_.size());
  by_name_.emplace(std::move(free), items_.size());
  items_.push_back(std::move(item));
  return items_.back().name;
}

std::string LocalNames::unique(std::string_view wanted) {
  const std::string base = wanted.empty() ? "_" : to_identifier(wanted);
  std::string name = base;
  while (used_.contains(name) || is_reserved(name)) name = cat(base, next_[name]++);
  used_.insert(name);
  return name;
}

std::string LocalNames::argument(std::string_view wanted) {
  std::string name(wanted);
  if (!is_identifier(name) || has_meaning(name) || used_.contains(name)) return unique(wanted);
  used_.insert(name);
  return name;
}

}  // namespace calque::torchscript
