// Types of TorchScript. Immutable and shared, except ClassType while a unit is being built.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calque/ivalue.h"

namespace calque {

enum class TypeKind : uint8_t {
  Any,
  Tensor,
  Int,
  Float,
  Bool,
  Number,
  Complex,
  String,
  None,
  Device,
  Generator,
  Stream,
  Capsule,
  List,
  Dict,
  Tuple,
  Optional,
  Union,
  Future,
  Await,
  RRef,
  Class,
  Interface,
  Enum,
  Function,
  AnyList,
  AnyTuple,
  AnyEnum,
  AnyClass,
  Var,  ///< type variable of an operator schema, `t`
};

class Function;

class Type {
 public:
  /// LimitError beyond kMostParts or kMostLevels: a type can hold another twice, which holds another twice,
  /// and so on; whoever compares or prints it meets every part.
  Type(TypeKind kind, std::vector<TypePtr> contained);
  virtual ~Type() = default;
  TypeKind kind() const { return kind_; }
  /// Element types: List 1, Dict 2, Tuple n, Optional 1, Union n, Future 1.
  const std::vector<TypePtr>& contained() const { return contained_; }
  /// TorchScript annotation, as in archives: `List[int]`, `Optional[Tensor]`, `__torch__.M`.
  virtual std::string annotation() const;
  /// IR form, as in graphs and schemas: `int[]`, `Tensor?`, `(Tensor, int)`.
  virtual std::string str() const;
  /// Itself and all types inside it, shared ones each time.
  uint64_t parts() const { return parts_; }

  static constexpr uint64_t kMostParts = 100'000;
  static constexpr uint32_t kMostLevels = 1000;

 private:
  TypeKind kind_;
  uint64_t parts_ = 1;
  uint32_t levels_ = 1;
  std::vector<TypePtr> contained_;
};

/// Tuple; with names it is a NamedTuple class.
class TupleType final : public Type {
 public:
  explicit TupleType(std::vector<TypePtr> elements) : Type(TypeKind::Tuple, std::move(elements)) {}
  TupleType(std::string qualified_name, std::vector<std::string> fields, std::vector<TypePtr> elements,
            std::vector<std::optional<IValue>> field_defaults = {});
  std::string annotation() const override;
  std::string str() const override;
  bool is_named() const { return !name.empty(); }
  std::string name;                 ///< qualified name; empty for plain tuples
  std::vector<std::string> fields;  ///< empty for plain tuples
  std::vector<std::optional<IValue>> defaults;
};

class EnumType final : public Type {
 public:
  EnumType(std::string qualified_name, TypePtr value_type,
           std::vector<std::pair<std::string, IValue>> members)
      : Type(TypeKind::Enum, {std::move(value_type)}),
        name(std::move(qualified_name)),
        members(std::move(members)) {}
  std::string annotation() const override { return name; }
  std::string str() const override { return name; }
  std::string name;
  std::vector<std::pair<std::string, IValue>> members;  ///< name, plain value
};

struct Argument;
struct FunctionSchema;

/// ModuleInterface or Interface: method schemas only.
class InterfaceType final : public Type {
 public:
  InterfaceType(std::string qualified_name, bool is_module)
      : Type(TypeKind::Interface, {}), name(std::move(qualified_name)), is_module(is_module) {}
  std::string annotation() const override { return name; }
  std::string str() const override { return name; }
  std::string name;
  bool is_module;
  std::vector<std::shared_ptr<const FunctionSchema>> methods;
};

class FunctionType final : public Type {
 public:
  explicit FunctionType(Function* f) : Type(TypeKind::Function, {}), function(f) {}
  std::string annotation() const override { return "Function"; }
  std::string str() const override { return "Function"; }
  Function* function;
};

/// A class of a program. Modules are classes with is_module set.
class ClassType final : public Type {
 public:
  struct Attribute {
    std::string name;
    TypePtr type;
    bool is_parameter = false;
    bool is_buffer = false;
  };
  struct Constant {
    std::string name;
    TypePtr type;
    IValue value;
  };
  struct Property {
    std::string name;
    Function* getter = nullptr;
    Function* setter = nullptr;
  };

  ClassType(std::string qualified_name, bool is_module)
      : Type(TypeKind::Class, {}), name(std::move(qualified_name)), is_module(is_module) {}
  std::string annotation() const override { return name; }
  std::string str() const override { return name; }

  std::optional<size_t> find_attribute(std::string_view attribute) const;
  const Constant* find_constant(std::string_view constant) const;
  Function* find_method(std::string_view method) const;
  Function* find_static_method(std::string_view method) const;
  const Property* find_property(std::string_view property) const;
  /// Adds an attribute and gives its slot; InternalError when the name is taken.
  size_t add_attribute(Attribute attribute);

  std::string name;  ///< qualified: `__torch__.a.b.Name`
  bool is_module;
  std::vector<Attribute> attributes;  ///< slot order
  std::vector<Constant> constants;
  std::vector<Function*> methods;  ///< owned by the CompilationUnit; in source order
  std::vector<Function*> static_methods;
  std::vector<Property> properties;
  std::vector<std::string> forward_pre_hooks, forward_hooks;  ///< method names
};

// Shared instances and makers.
const TypePtr& any_type();
const TypePtr& tensor_type();
const TypePtr& int_type();
const TypePtr& float_type();
const TypePtr& bool_type();
const TypePtr& number_type();
const TypePtr& complex_type();
const TypePtr& string_type();
const TypePtr& none_type();
const TypePtr& device_type();
const TypePtr& simple_type(TypeKind kind);
TypePtr list_type(TypePtr element);
TypePtr dict_type(TypePtr key, TypePtr value);
TypePtr tuple_type(std::vector<TypePtr> elements);
/// Optional[t]; t itself when it is already Optional, None or Any.
TypePtr optional_type(TypePtr element);
/// Flattened, without duplicates; Optional when it is {T, None}; T when one is left.
TypePtr union_type(const std::vector<TypePtr>& members);
TypePtr future_type(TypePtr element);
TypePtr var_type(std::string name);

bool operator==(const Type& a, const Type& b);
inline bool same_type(const TypePtr& a, const TypePtr& b) { return a == b || *a == *b; }
/// PyTorch's subtyping: T <: Optional[T], T <: Any, int/float/complex <: number, NamedTuple <: Tuple, class
/// <: its interface; lists and dicts are invariant.
bool is_subtype(const Type& a, const Type& b);
/// Common type of two branches: equal types, T with None -> Optional[T], subtypes -> the wider; nullptr if
/// none.
TypePtr unify_types(const TypePtr& a, const TypePtr& b);
/// The static type of a run-time value.
TypePtr type_of(const IValue& value);
/// Does `value` belong to `type`? Checks containers by their element types (and elements when those are
/// loose).
bool value_has_type(const IValue& value, const Type& type);

}  // namespace calque
