#include "ir/type.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"
#include "ir/graph.h"
#include "ir/value_walk.h"

namespace calque {

namespace {

struct KindNames {
  std::string_view annotation;
  std::string_view ir;
};

KindNames kind_names(TypeKind kind) {
  switch (kind) {
    case TypeKind::Any:
      return {"Any", "Any"};
    case TypeKind::Tensor:
      return {"Tensor", "Tensor"};
    case TypeKind::Int:
      return {"int", "int"};
    case TypeKind::Float:
      return {"float", "float"};
    case TypeKind::Bool:
      return {"bool", "bool"};
    case TypeKind::Number:
      return {"number", "Scalar"};
    case TypeKind::Complex:
      return {"complex", "complex"};
    case TypeKind::String:
      return {"str", "str"};
    case TypeKind::None:
      return {"NoneType", "NoneType"};
    case TypeKind::Device:
      return {"Device", "Device"};
    case TypeKind::Generator:
      return {"Generator", "Generator"};
    case TypeKind::Stream:
      return {"Stream", "Stream"};
    case TypeKind::Capsule:
      return {"Capsule", "Capsule"};
    case TypeKind::AnyList:
      return {"list", "list"};
    case TypeKind::AnyTuple:
      return {"tuple", "tuple"};
    case TypeKind::AnyEnum:
      return {"AnyEnumType", "AnyEnumType"};
    case TypeKind::AnyClass:
      return {"AnyClassType", "AnyClassType"};
    default:
      return {"?", "?"};
  }
}

std::string wrap(std::string_view head, const std::vector<TypePtr>& parts, bool annotation) {
  std::string out = cat(head, annotation ? "[" : "(");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += ", ";
    out += annotation ? parts[i]->annotation() : parts[i]->str();
  }
  return out + (annotation ? "]" : ")");
}

class VarType final : public Type {
 public:
  explicit VarType(std::string variable) : Type(TypeKind::Var, {}), name(std::move(variable)) {}
  std::string annotation() const override { return name; }
  std::string str() const override { return name; }
  std::string name;
};

bool same_contained(const Type& a, const Type& b) {
  return std::equal(a.contained().begin(), a.contained().end(), b.contained().begin(), b.contained().end(),
                    [](const TypePtr& x, const TypePtr& y) { return same_type(x, y); });
}

bool same_members(const Type& a, const Type& b) {
  const auto has = [](const Type& set, const TypePtr& member) {
    return std::any_of(set.contained().begin(), set.contained().end(),
                       [&](const TypePtr& x) { return same_type(x, member); });
  };
  return a.contained().size() == b.contained().size() &&
         std::all_of(a.contained().begin(), a.contained().end(), [&](const TypePtr& x) { return has(b, x); });
}

bool implements(const Type& type, const InterfaceType& interface) {
  if (type.kind() == TypeKind::Interface) {
    const auto& other = static_cast<const InterfaceType&>(type);
    return std::all_of(interface.methods.begin(), interface.methods.end(), [&](const auto& wanted) {
      return std::any_of(other.methods.begin(), other.methods.end(),
                         [&](const auto& method) { return method->name == wanted->name; });
    });
  }
  if (type.kind() != TypeKind::Class) return false;
  const auto& cls = static_cast<const ClassType&>(type);
  if (interface.is_module && !cls.is_module) return false;
  return std::all_of(interface.methods.begin(), interface.methods.end(),
                     [&](const auto& wanted) { return cls.find_method(wanted->name) != nullptr; });
}

}  // namespace

Type::Type(TypeKind kind, std::vector<TypePtr> contained) : kind_(kind), contained_(std::move(contained)) {
  for (const TypePtr& inner : contained_) {
    parts_ += inner->parts_;
    levels_ = std::max(levels_, inner->levels_ + 1);
  }
  if (parts_ <= kMostParts && levels_ <= kMostLevels) return;
  throw LimitError(cat("a type of ", parts_, " parts and ", levels_, " levels; the limits of ", kMostParts,
                       " and ", kMostLevels, " protect against types that multiply without bound"));
}

std::string Type::annotation() const {
  switch (kind_) {
    case TypeKind::List:
      return wrap("List", contained_, true);
    case TypeKind::Dict:
      return wrap("Dict", contained_, true);
    case TypeKind::Tuple:
      return contained_.empty() ? "Tuple[()]" : wrap("Tuple", contained_, true);
    case TypeKind::Optional:
      return wrap("Optional", contained_, true);
    case TypeKind::Union:
      return wrap("Union", contained_, true);
    case TypeKind::Future:
      return wrap("Future", contained_, true);
    case TypeKind::Await:
      return wrap("Await", contained_, true);
    case TypeKind::RRef:
      return wrap("RRef", contained_, true);
    default:
      return std::string(kind_names(kind_).annotation);
  }
}

std::string Type::str() const {
  switch (kind_) {
    case TypeKind::List:
      return contained_[0]->str() + "[]";
    case TypeKind::Optional:
      return contained_[0]->str() + "?";
    case TypeKind::Dict:
      return wrap("Dict", contained_, false);
    case TypeKind::Tuple:
      return wrap("", contained_, false);
    case TypeKind::Union:
      return wrap("Union", contained_, true);
    case TypeKind::Future:
      return wrap("Future", contained_, false);
    case TypeKind::Await:
      return wrap("Await", contained_, false);
    case TypeKind::RRef:
      return wrap("RRef", contained_, false);
    default:
      return std::string(kind_names(kind_).ir);
  }
}

TupleType::TupleType(std::string qualified_name, std::vector<std::string> field_names,
                     std::vector<TypePtr> elements, std::vector<std::optional<IValue>> field_defaults)
    : Type(TypeKind::Tuple, std::move(elements)),
      name(std::move(qualified_name)),
      fields(std::move(field_names)),
      defaults(std::move(field_defaults)) {}

std::string TupleType::annotation() const { return is_named() ? name : Type::annotation(); }
std::string TupleType::str() const { return is_named() ? name : Type::str(); }

std::optional<size_t> ClassType::find_attribute(std::string_view attribute) const {
  for (size_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i].name == attribute) return i;
  }
  return std::nullopt;
}

const ClassType::Constant* ClassType::find_constant(std::string_view constant) const {
  for (const Constant& c : constants) {
    if (c.name == constant) return &c;
  }
  return nullptr;
}

Function* ClassType::find_method(std::string_view method) const {
  for (Function* f : methods) {
    if (f->name == method) return f;
  }
  return nullptr;
}

Function* ClassType::find_static_method(std::string_view method) const {
  for (Function* f : static_methods) {
    if (f->name == method) return f;
  }
  return nullptr;
}

const ClassType::Property* ClassType::find_property(std::string_view property) const {
  for (const Property& p : properties) {
    if (p.name == property) return &p;
  }
  return nullptr;
}

size_t ClassType::add_attribute(Attribute attribute) {
  check(!find_attribute(attribute.name).has_value(),
        cat("attribute ", attribute.name, " of ", name, " is defined twice"));
  attributes.push_back(std::move(attribute));
  return attributes.size() - 1;
}

const TypePtr& simple_type(TypeKind kind) {
  static const auto table = [] {
    std::array<TypePtr, static_cast<size_t>(TypeKind::Var) + 1> types;
    for (size_t i = 0; i < types.size(); ++i) {
      types[i] = std::make_shared<const Type>(static_cast<TypeKind>(i), std::vector<TypePtr>{});
    }
    return types;
  }();
  return table[static_cast<size_t>(kind)];
}

const TypePtr& any_type() { return simple_type(TypeKind::Any); }
const TypePtr& tensor_type() { return simple_type(TypeKind::Tensor); }
const TypePtr& int_type() { return simple_type(TypeKind::Int); }
const TypePtr& float_type() { return simple_type(TypeKind::Float); }
const TypePtr& bool_type() { return simple_type(TypeKind::Bool); }
const TypePtr& number_type() { return simple_type(TypeKind::Number); }
const TypePtr& complex_type() { return simple_type(TypeKind::Complex); }
const TypePtr& string_type() { return simple_type(TypeKind::String); }
const TypePtr& none_type() { return simple_type(TypeKind::None); }
const TypePtr& device_type() { return simple_type(TypeKind::Device); }

TypePtr list_type(TypePtr element) {
  return std::make_shared<const Type>(TypeKind::List, std::vector<TypePtr>{std::move(element)});
}

TypePtr dict_type(TypePtr key, TypePtr value) {
  return std::make_shared<const Type>(TypeKind::Dict, std::vector<TypePtr>{std::move(key), std::move(value)});
}

TypePtr tuple_type(std::vector<TypePtr> elements) {
  return std::make_shared<const TupleType>(std::move(elements));
}

TypePtr optional_type(TypePtr element) {
  const TypeKind kind = element->kind();
  if (kind == TypeKind::Optional || kind == TypeKind::None || kind == TypeKind::Any) return element;
  return std::make_shared<const Type>(TypeKind::Optional, std::vector<TypePtr>{std::move(element)});
}

TypePtr future_type(TypePtr element) {
  return std::make_shared<const Type>(TypeKind::Future, std::vector<TypePtr>{std::move(element)});
}

TypePtr var_type(std::string name) { return std::make_shared<const VarType>(std::move(name)); }

TypePtr union_type(const std::vector<TypePtr>& members) {
  std::vector<TypePtr> flat;
  const auto add = [&](const TypePtr& type) {
    if (std::none_of(flat.begin(), flat.end(), [&](const TypePtr& x) { return is_subtype(*type, *x); })) {
      std::erase_if(flat, [&](const TypePtr& x) { return is_subtype(*x, *type); });
      flat.push_back(type);
    }
  };
  for (const TypePtr& member : members) {
    if (member->kind() == TypeKind::Union) {
      for (const TypePtr& inner : member->contained()) add(inner);
    } else if (member->kind() == TypeKind::Optional) {
      add(member->contained()[0]);
      add(none_type());
    } else {
      add(member);
    }
  }
  if (flat.size() == 1) return flat[0];
  if (flat.size() == 2 && flat[0]->kind() == TypeKind::None) return optional_type(flat[1]);
  if (flat.size() == 2 && flat[1]->kind() == TypeKind::None) return optional_type(flat[0]);
  return std::make_shared<const Type>(TypeKind::Union, std::move(flat));
}

bool operator==(const Type& a, const Type& b) {
  if (&a == &b) return true;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case TypeKind::Class:
      return static_cast<const ClassType&>(a).name == static_cast<const ClassType&>(b).name;
    case TypeKind::Interface:
      return static_cast<const InterfaceType&>(a).name == static_cast<const InterfaceType&>(b).name;
    case TypeKind::Enum:
      return static_cast<const EnumType&>(a).name == static_cast<const EnumType&>(b).name;
    case TypeKind::Function:
      return static_cast<const FunctionType&>(a).function == static_cast<const FunctionType&>(b).function;
    case TypeKind::Var:
      return a.str() == b.str();
    case TypeKind::Union:
      return same_members(a, b);
    case TypeKind::Tuple:
      return same_contained(a, b) &&
             static_cast<const TupleType&>(a).name == static_cast<const TupleType&>(b).name;
    default:
      return same_contained(a, b);
  }
}

bool is_subtype(const Type& a, const Type& b) {
  if (a == b || b.kind() == TypeKind::Any) return true;
  if (a.kind() == TypeKind::Union) {
    return std::all_of(a.contained().begin(), a.contained().end(),
                       [&](const TypePtr& x) { return is_subtype(*x, b); });
  }
  switch (b.kind()) {
    case TypeKind::Optional:
      if (a.kind() == TypeKind::None) return true;
      if (a.kind() == TypeKind::Optional) return is_subtype(*a.contained()[0], *b.contained()[0]);
      return is_subtype(a, *b.contained()[0]);
    case TypeKind::Union:
      if (a.kind() == TypeKind::Optional)
        return is_subtype(*a.contained()[0], b) && is_subtype(*none_type(), b);
      return std::any_of(b.contained().begin(), b.contained().end(),
                         [&](const TypePtr& x) { return is_subtype(a, *x); });
    case TypeKind::Number:
      return a.kind() == TypeKind::Int || a.kind() == TypeKind::Float || a.kind() == TypeKind::Complex;
    case TypeKind::AnyList:
      return a.kind() == TypeKind::List;
    case TypeKind::AnyTuple:
      return a.kind() == TypeKind::Tuple;
    case TypeKind::AnyEnum:
      return a.kind() == TypeKind::Enum;
    case TypeKind::AnyClass:
      return a.kind() == TypeKind::Class;
    case TypeKind::Interface:
      return implements(a, static_cast<const InterfaceType&>(b));
    case TypeKind::Tuple: {
      if (a.kind() != TypeKind::Tuple || static_cast<const TupleType&>(b).is_named()) return false;
      return std::equal(a.contained().begin(), a.contained().end(), b.contained().begin(),
                        b.contained().end(),
                        [](const TypePtr& x, const TypePtr& y) { return is_subtype(*x, *y); });
    }
    case TypeKind::Future:
      return a.kind() == TypeKind::Future && is_subtype(*a.contained()[0], *b.contained()[0]);
    default:
      return false;
  }
}

TypePtr unify_types(const TypePtr& a, const TypePtr& b) {
  if (same_type(a, b)) return a;
  if (is_subtype(*a, *b)) return b;
  if (is_subtype(*b, *a)) return a;
  if (a->kind() == TypeKind::None) return optional_type(b);
  if (b->kind() == TypeKind::None) return optional_type(a);
  if (a->kind() == TypeKind::Optional || b->kind() == TypeKind::Optional) {
    const TypePtr& inner_a = a->kind() == TypeKind::Optional ? a->contained()[0] : a;
    const TypePtr& inner_b = b->kind() == TypeKind::Optional ? b->contained()[0] : b;
    if (const TypePtr inner = unify_types(inner_a, inner_b)) return optional_type(inner);
    return nullptr;
  }
  if (a->kind() == TypeKind::Tuple && b->kind() == TypeKind::Tuple &&
      a->contained().size() == b->contained().size()) {
    std::vector<TypePtr> elements;
    for (size_t i = 0; i < a->contained().size(); ++i) {
      elements.push_back(unify_types(a->contained()[i], b->contained()[i]));
      if (elements.back() == nullptr) return nullptr;
    }
    return tuple_type(std::move(elements));
  }
  return nullptr;
}

TypePtr type_of(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::None:
      return none_type();
    case IValue::Tag::Tensor:
      return tensor_type();
    case IValue::Tag::Double:
      return float_type();
    case IValue::Tag::Int:
      return int_type();
    case IValue::Tag::Bool:
      return bool_type();
    case IValue::Tag::Complex:
      return complex_type();
    case IValue::Tag::String:
      return string_type();
    case IValue::Tag::Device:
      return device_type();
    case IValue::Tag::Generator:
      return simple_type(TypeKind::Generator);
    case IValue::Tag::Uninitialized:
      return any_type();
    case IValue::Tag::List:
      return list_type(value.list_impl()->element_type);
    case IValue::Tag::Dict:
      return dict_type(value.dict_impl()->key_type, value.dict_impl()->value_type);
    case IValue::Tag::Object:
      return value.object_impl()->type;
    case IValue::Tag::Enum:
      return value.toEnum()->type;
    case IValue::Tag::Future:
      return future_type(value.toFuture()->element_type);
    case IValue::Tag::Tuple: {
      if (value.tuple_impl()->type != nullptr) return value.tuple_impl()->type;
      const ValueWalk walk;
      std::vector<TypePtr> elements;
      for (const IValue& item : value.tuple_impl()->items) elements.push_back(type_of(item));
      return tuple_type(std::move(elements));
    }
  }
  return any_type();
}

bool value_has_type(const IValue& value, const Type& type) {
  switch (type.kind()) {
    case TypeKind::Any:
      return true;
    case TypeKind::Optional:
      return value.isNone() || value_has_type(value, *type.contained()[0]);
    case TypeKind::Union:
      return std::any_of(type.contained().begin(), type.contained().end(),
                         [&](const TypePtr& x) { return value_has_type(value, *x); });
    case TypeKind::Tuple: {
      if (!value.isTuple() || value.tuple_impl()->items.size() != type.contained().size()) return false;
      for (size_t i = 0; i < type.contained().size(); ++i) {
        if (!value_has_type(value.tuple_impl()->items[i], *type.contained()[i])) return false;
      }
      return true;
    }
    case TypeKind::List:
      if (!value.isList()) return false;
      return same_type(value.list_impl()->element_type, type.contained()[0]);
    case TypeKind::Dict:
      if (!value.isGenericDict()) return false;
      return same_type(value.dict_impl()->key_type, type.contained()[0]) &&
             same_type(value.dict_impl()->value_type, type.contained()[1]);
    default:
      return is_subtype(*type_of(value), type);
  }
}

}  // namespace calque
