#include "torchscript/sugared_names.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "torchscript/operator_match.h"

namespace calque::torchscript {

namespace {

class BuiltinFunction final : public SugaredValue {
 public:
  BuiltinFunction(std::string name, Value* self) : name_(std::move(name)), self_(self) {}
  std::string describe() const override { return cat("builtin ", name_); }
  const std::string& name() const { return name_; }
  Value* self() const { return self_; }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    return pack(call_builtin(emitter, where, name_, arguments, self_));
  }

 private:
  const std::string name_;
  Value* const self_;
};

class BuiltinNamespace final : public SugaredValue {
 public:
  explicit BuiltinNamespace(std::string_view name) : name_(name) {}
  std::string describe() const override { return cat("namespace ", name_); }

  Sugared attribute(Emitter&, Position, std::string_view name) override {
    return builtin_function(cat(name_, "::", name));
  }

 private:
  const std::string name_;
};

class OpsNamespace final : public SugaredValue {
 public:
  std::string describe() const override { return "namespace ops"; }
  Sugared attribute(Emitter&, Position, std::string_view name) override { return builtin_namespace(name); }
};

class ConstantsTable final : public SugaredValue {
 public:
  std::string describe() const override { return "CONSTANTS"; }

  Sugared attribute(Emitter& emitter, Position where, std::string_view name) override {
    const std::vector<IValue>& constants = emitter.program().constants;
    size_t index = 0;
    const char* const end = name.data() + name.size();
    const bool numbered = name.size() > 1 && name[0] == 'c';
    const auto parsed = std::from_chars(name.data() + (numbered ? 1 : 0), end, index);
    if (!numbered || parsed.ec != std::errc() || parsed.ptr != end) {
      emitter.fail(where, cat("CONSTANTS.", name, ": expected a name such as c0"));
    }
    if (index >= constants.size()) {
      emitter.fail(where, cat("CONSTANTS.", name, ": constants.pkl holds ", constants.size(), " constants"));
    }
    return simple(emitter.constant(where, constants[index]));
  }
};

class FunctionValue final : public SugaredValue {
 public:
  explicit FunctionValue(Function& function) : function_(function) {}
  std::string describe() const override { return cat("function ", function_.qualified_name); }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    const FunctionSchema& schema = emitter.program().schema_of(function_);
    const MatchedCall matched = match_or_fail(emitter, where, schema, arguments);
    Node* node = emitter.node(where, "prim::CallFunction", matched.inputs);
    node->function = &function_;
    return simple(node->add_output(matched.return_types[0]));
  }

 private:
  Function& function_;
};

class MethodValue final : public SugaredValue {
 public:
  MethodValue(Value* self, std::string_view name) : self_(self), name_(name) {}
  std::string describe() const override { return cat("method ", name_, " of ", self_->type->annotation()); }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    Arguments all = arguments;
    all.positional.insert(all.positional.begin(), self_);
    const MatchedCall matched = match_or_fail(emitter, where, schema(emitter, where), all);
    Node* node = emitter.node(where, "prim::CallMethod", matched.inputs);
    node->name = name_;
    return simple(node->add_output(matched.return_types[0]));
  }

 private:
  const FunctionSchema& schema(Emitter& emitter, Position where) const {
    if (self_->type->kind() == TypeKind::Class) {
      if (Function* method = static_cast<const ClassType&>(*self_->type).find_method(name_)) {
        return emitter.program().schema_of(*method);
      }
    } else if (self_->type->kind() == TypeKind::Interface) {
      for (const auto& method : static_cast<const InterfaceType&>(*self_->type).methods) {
        if (method->name == name_) return *method;
      }
    }
    emitter.fail(where, cat("'", self_->type->annotation(), "' object has no method '", name_, "'"));
  }

  Value* const self_;
  const std::string name_;
};

class SpecialFormValue final : public SugaredValue {
 public:
  SpecialFormValue(SpecialForm form, std::string_view name) : form_(form), name_(name) {}
  std::string describe() const override { return name_; }
  SpecialForm form() const { return form_; }

 private:
  const SpecialForm form_;
  const std::string name_;
};

}  // namespace

Sugared builtin_function(std::string_view name) {
  return std::make_shared<BuiltinFunction>(std::string(name), nullptr);
}

Sugared builtin_method(Value* self, std::string_view name) {
  return std::make_shared<BuiltinFunction>(cat("aten::", name), self);
}

bool is_builtin_function(const SugaredValue& value, std::string* name, Value** self) {
  const auto* builtin = dynamic_cast<const BuiltinFunction*>(&value);
  if (builtin == nullptr) return false;
  *name = builtin->name();
  *self = builtin->self();
  return true;
}

Sugared builtin_namespace(std::string_view name) { return std::make_shared<BuiltinNamespace>(name); }
Sugared ops_namespace() { return std::make_shared<OpsNamespace>(); }
Sugared constants_table() { return std::make_shared<ConstantsTable>(); }
Sugared function_value(Function& function) { return std::make_shared<FunctionValue>(function); }
Sugared method_value(Value* self, std::string_view name) { return std::make_shared<MethodValue>(self, name); }

Sugared special_form(SpecialForm form, std::string_view name) {
  return std::make_shared<SpecialFormValue>(form, name);
}

std::optional<SpecialForm> special_form_of(const SugaredValue& value) {
  const auto* form = dynamic_cast<const SpecialFormValue*>(&value);
  return form == nullptr ? std::nullopt : std::optional(form->form());
}

}  // namespace calque::torchscript
