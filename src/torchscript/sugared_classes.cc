// Classes, named tuples and enums as values of a program.
#include <algorithm>

#include "base/text.h"
#include "torchscript/class_definition.h"
#include "torchscript/operator_match.h"
#include "torchscript/sugared_names.h"

namespace calque::torchscript {

namespace {

/// `C.__new__`: makes an object without running __init__.
class NewValue final : public SugaredValue {
 public:
  explicit NewValue(std::shared_ptr<const ClassType> type) : type_(std::move(type)) {}
  std::string describe() const override { return cat(type_->name, ".__new__"); }

  Sugared call(Emitter& emitter, Position where, const Arguments&) override {
    return simple(emitter.value(where, "prim::CreateObject", {}, type_));
  }

 private:
  const std::shared_ptr<const ClassType> type_;
};

/// `C.method`, called with the object as its first argument.
class UnboundMethodValue final : public SugaredValue {
 public:
  UnboundMethodValue(std::shared_ptr<const ClassType> type, std::string_view name)
      : type_(std::move(type)), name_(name) {}
  std::string describe() const override { return cat("method ", type_->name, ".", name_); }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    if (arguments.positional.empty() || !is_subtype(*arguments.positional[0]->type, *type_)) {
      emitter.fail(where, cat(describe(), " takes an object of that class as its first argument"));
    }
    const Arguments rest{.positional = {arguments.positional.begin() + 1, arguments.positional.end()},
                         .keywords = arguments.keywords};
    return method_value(arguments.positional[0], name_)->call(emitter, where, rest);
  }

 private:
  const std::shared_ptr<const ClassType> type_;
  const std::string name_;
};

class ClassValue final : public SugaredValue {
 public:
  ClassValue(std::shared_ptr<const ClassType> type, std::function<Sugared(std::string_view)> outer)
      : type_(std::move(type)), outer_(std::move(outer)) {}
  std::string describe() const override { return cat("class ", type_->name); }
  const std::shared_ptr<const ClassType>& type() const { return type_; }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    if (type_->is_module)
      emitter.fail(where, cat(describe(), " is a module; modules are made outside TorchScript"));
    Value* object = emitter.value(where, "prim::CreateObject", {}, type_);
    if (type_->find_method("__init__") == nullptr) {
      emitter.fail(where, cat(describe(), " has no '__init__'"));
    }
    method_value(object, "__init__")->call(emitter, where, arguments);
    return simple(object);
  }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    if (name == "__new__") return std::make_shared<NewValue>(type_);
    if (Function* function = type_->find_static_method(name)) return function_value(*function);
    if (Function* method = type_->find_method(name)) {
      // Calls of hooks are printed as those of functions below the name of the class.
      if (is_hook(*type_, name)) return function_value(*method);
      return std::make_shared<UnboundMethodValue>(type_, name);
    }
    if (outer_) {
      if (Sugared found = outer_(name)) return found;
    }
    return SugaredValue::attribute(emitter, where, name);
  }

 private:
  const std::shared_ptr<const ClassType> type_;
  const std::function<Sugared(std::string_view)> outer_;
};

class NamedTupleValue final : public SugaredValue {
 public:
  explicit NamedTupleValue(TypePtr type) : type_(std::move(type)) {}
  std::string describe() const override { return cat("class ", type_->annotation()); }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    const auto& tuple = static_cast<const TupleType&>(*type_);
    FunctionSchema schema{.name = tuple.name, .overload = {}, .arguments = {}, .returns = {}};
    for (size_t i = 0; i < tuple.fields.size(); ++i) {
      Argument argument = make_argument(tuple.fields[i], tuple.contained()[i]);
      if (i < tuple.defaults.size()) argument.default_value = tuple.defaults[i];
      schema.arguments.push_back(std::move(argument));
    }
    const MatchedCall matched = match_or_fail(emitter, where, schema, arguments);
    return simple(emitter.tuple(where, matched.inputs, type_));
  }

 private:
  const TypePtr type_;
};

class EnumValue final : public SugaredValue {
 public:
  explicit EnumValue(TypePtr type) : type_(std::move(type)) {}
  std::string describe() const override { return cat("enum ", type_->annotation()); }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    for (const auto& [member, value] : static_cast<const EnumType&>(*type_).members) {
      if (member == name) return simple(constant(emitter, where, member, value));
    }
    return SugaredValue::attribute(emitter, where, name);
  }

  std::optional<size_t> static_length() const override {
    return static_cast<const EnumType&>(*type_).members.size();
  }
  Sugared iterable(Emitter&, Position) override { return shared_from_this(); }
  std::vector<Sugared> elements(Emitter& emitter, Position where, size_t) override {
    std::vector<Sugared> out;
    for (const auto& [member, value] : static_cast<const EnumType&>(*type_).members) {
      out.push_back(simple(constant(emitter, where, member, value)));
    }
    return out;
  }

 private:
  Value* constant(Emitter& emitter, Position where, const std::string& name, const IValue& value) const {
    auto content = make_ref<EnumImpl>();
    content->type = type_;
    content->name = name;
    content->value = value;
    return emitter.constant(where, IValue(std::move(content)), type_);
  }

  const TypePtr type_;
};

}  // namespace

Sugared class_value(std::shared_ptr<const ClassType> type, std::function<Sugared(std::string_view)> outer) {
  return std::make_shared<ClassValue>(std::move(type), std::move(outer));
}

Sugared named_tuple_value(TypePtr type) { return std::make_shared<NamedTupleValue>(std::move(type)); }
Sugared enum_value(TypePtr type) { return std::make_shared<EnumValue>(std::move(type)); }

Sugared type_value(const TypePtr& type, std::function<Sugared(std::string_view)> outer) {
  switch (type->kind()) {
    case TypeKind::Class:
      return class_value(std::static_pointer_cast<const ClassType>(type), std::move(outer));
    case TypeKind::Enum:
      return enum_value(type);
    case TypeKind::Tuple:
      return static_cast<const TupleType&>(*type).is_named() ? named_tuple_value(type) : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace calque::torchscript
