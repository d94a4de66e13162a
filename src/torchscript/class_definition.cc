#include "torchscript/class_definition.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "torchscript/literal.h"
#include "torchscript/type_parser.h"

namespace calque::torchscript {

namespace {

enum class ClassKind : uint8_t { kClass, kModule, kNamedTuple, kEnum, kInterface, kModuleInterface };

/// What the decorators of a method make of it.
enum class MethodRole : uint8_t { kMethod, kStatic, kGetter, kSetter };

/// `script` of `@torch.jit.script`, called or not.
std::string_view decorator_name(const Expr& mark) {
  const Expr& named = mark.is(ExprKind::kCall) ? *mark.items[0] : mark;
  return named.is(ExprKind::kName) || named.is(ExprKind::kAttribute) ? named.text : std::string_view();
}

class ClassReader {
 public:
  ClassReader(Program& program, const Declaration& declaration)
      : program_(program),
        declaration_(declaration),
        stmt_(*declaration.def),
        source_(declaration.tree->source()) {}

  void run() {
    switch (kind()) {
      case ClassKind::kClass:
        read_class(false);
        return;
      case ClassKind::kModule:
        read_class(true);
        return;
      case ClassKind::kNamedTuple:
        read_named_tuple();
        return;
      case ClassKind::kEnum:
        read_enum();
        return;
      case ClassKind::kInterface:
        read_interface(false);
        return;
      case ClassKind::kModuleInterface:
        read_interface(true);
        return;
    }
  }

 private:
  [[noreturn]] void fail(Position where, std::string_view message) const {
    fail_at(source_, where, cat("in class ", declaration_.qualified_name, ": ", message));
  }

  bool is_script() const { return source_.dialect == Dialect::kScript; }

  ClassKind kind() const {
    if (is_script()) return script_kind();
    if (stmt_.targets.empty()) return ClassKind::kClass;
    const std::string base = stmt_.targets.size() == 1 ? dotted_name(*stmt_.targets[0]) : "";
    if (base == "Module") return ClassKind::kModule;
    if (base == "NamedTuple") return ClassKind::kNamedTuple;
    if (base == "Enum") return ClassKind::kEnum;
    if (base == "Interface") return ClassKind::kInterface;
    if (base == "ModuleInterface") return ClassKind::kModuleInterface;
    fail(stmt_.where, "Torchscript does not support class inheritance");
  }

  ClassKind script_kind() const {
    bool is_interface = false;
    for (const Expr* mark : stmt_.decorators) {
      const std::string_view name = decorator_name(*mark);
      if (name == "interface") {
        is_interface = true;
      } else if (name != "script") {
        fail(start_of(*mark),
             "this decorator is not part of TorchScript; @torch.jit.script and "
             "@torch.jit.interface are, the first may be left out");
      }
    }
    std::string base = stmt_.targets.size() == 1 ? dotted_name(*stmt_.targets[0]) : "";
    base = base.substr(base.rfind('.') + 1);
    if (is_interface) return base == "Module" ? ClassKind::kModuleInterface : ClassKind::kInterface;
    if (stmt_.targets.empty() || base == "object") return ClassKind::kClass;
    if (base == "NamedTuple") return ClassKind::kNamedTuple;
    if (base == "Enum") return ClassKind::kEnum;
    if (base == "Module") {
      if (program_.options().modules) return ClassKind::kModule;
      fail(stmt_.where,
           "a module is an object that Python makes, with its weights; here stand functions and "
           "plain classes. Pass the weights as arguments, or script the module in Python");
    }
    fail(stmt_.targets[0]->where,
         "Torchscript does not support class inheritance; a class may be a NamedTuple "
         "or an Enum, or have no base class");
  }

  TypePtr read_type(const Expr& expr) const {
    return parse_type(source_, expr, [&](const std::string& name, Position where) {
      return declaration_.resolver->resolve_type(name, where);
    });
  }

  // Classes and modules.

  void read_class(bool is_module) {
    type_ = std::make_shared<ClassType>(declaration_.qualified_name, is_module);
    // The class is known before its attributes are: they may name it.
    program_.unit().add_class(type_);
    for (const Stmt* item : stmt_.body) {
      switch (item->kind) {
        case StmtKind::kDef:
          declare_method(*item);
          break;
        case StmtKind::kAssign:
          read_assignment(*item);
          break;
        case StmtKind::kAnnotate:
          add_attribute(*item, name_of(*item->targets[0]), read_type(*item->annotation));
          break;
        case StmtKind::kPass:
          break;
        default:
          fail(item->where, "a class body holds attributes and methods only");
      }
    }
    for (ClassType::Attribute& attribute : type_->attributes) {
      attribute.is_parameter = parameters_.contains(attribute.name);
      attribute.is_buffer = buffers_.contains(attribute.name);
    }
    check_hooks(type_->forward_pre_hooks);
    check_hooks(type_->forward_hooks);
  }

  std::string name_of(const Expr& target) const {
    if (!target.is(ExprKind::kName)) fail(target.where, "expected the name of an attribute");
    return std::string(target.text);
  }

  void declare_method(const Stmt& def) {
    constexpr size_t kMaxMethods = 5'000;
    if (type_->methods.size() >= kMaxMethods) fail(def.where, cat("more than ", kMaxMethods, " methods"));
    Declaration method = declaration_;
    method.def = &def;
    const MethodRole role = role_of(def);
    if (role == MethodRole::kGetter) method.name = cat("__", def.text, "_getter");
    if (role == MethodRole::kSetter) method.name = cat("__", def.text, "_setter");
    // A saved class has no place for static methods: PyTorch finds them as functions beside it.
    const std::string_view owner_suffix = role == MethodRole::kStatic ? "_static." : ".";
    method.qualified_name = cat(declaration_.qualified_name, owner_suffix,
                                method.name.empty() ? std::string(def.text) : method.name);
    if (role != MethodRole::kStatic) method.self_type = type_;
    Function* const declared = program_.declare(std::move(method));
    (role == MethodRole::kStatic ? type_->static_methods : type_->methods).push_back(declared);
    if (role == MethodRole::kGetter) {
      type_->properties.push_back({.name = std::string(def.text), .getter = declared});
    } else if (role == MethodRole::kSetter) {
      property(def).setter = declared;
    }
  }

  MethodRole role_of(const Stmt& def) const {
    MethodRole role = MethodRole::kMethod;
    for (const Expr* mark : def.decorators) {
      const std::string_view name = decorator_name(*mark);
      if (name == "staticmethod") {
        role = MethodRole::kStatic;
      } else if (name == "property") {
        role = MethodRole::kGetter;
      } else if (name == "setter") {
        role = MethodRole::kSetter;
      } else if (name == "ignore" || name == "unused") {
        fail(start_of(*mark),
             "a method that stays in Python; there is none where this program runs. Remove it");
      } else if (name != "export") {
        fail(start_of(*mark),
             "this decorator is not part of TorchScript; methods may have @staticmethod, "
             "@property and @NAME.setter");
      }
    }
    return role;
  }

  ClassType::Property& property(const Stmt& def) const {
    const auto found =
        std::find_if(type_->properties.begin(), type_->properties.end(),
                     [&](const ClassType::Property& candidate) { return candidate.name == def.text; });
    if (found == type_->properties.end()) {
      fail(def.where, cat("the setter of '", def.text, "' stands before its getter"));
    }
    return *found;
  }

  void add_attribute(const Stmt& item, std::string name, TypePtr type) {
    constexpr size_t kMaxAttributes = 20'000;
    if (!names_.insert(name).second) fail(item.where, cat("attribute '", name, "' is defined twice"));
    if (names_.size() > kMaxAttributes) fail(item.where, cat("more than ", kMaxAttributes, " attributes"));
    type_->attributes.push_back({.name = std::move(name), .type = std::move(type)});
  }

  void read_assignment(const Stmt& item) {
    const Expr& target = *item.targets[0];
    if (target.is(ExprKind::kSubscript) && target.items.size() == 2 &&
        target.items[0]->is_name("__annotations__") && target.items[1]->is(ExprKind::kString)) {
      add_attribute(item, std::string(target.items[1]->text), read_type(*item.value));
      return;
    }
    if (item.annotation != nullptr) {
      const std::string name = name_of(target);
      TypePtr type = read_type(*item.annotation);
      IValue value = literal_value(source_, *item.value, type, program_.constants);
      type_->constants.push_back({.name = name, .type = std::move(type), .value = std::move(value)});
      return;
    }
    const std::string name = name_of(target);
    if (name == "__annotations__") return;
    const std::vector<std::string> names = strings(*item.value);
    if (name == "__parameters__") {
      parameters_.insert(names.begin(), names.end());
    } else if (name == "__buffers__") {
      buffers_.insert(names.begin(), names.end());
    } else if (name == "__forward_pre_hooks__") {
      type_->forward_pre_hooks = names;
    } else if (name == "__forward_hooks__") {
      type_->forward_hooks = names;
    } else {
      fail(item.where, cat("'", name, "' has a value but no type; constants read 'name : Final[T] = value'"));
    }
  }

  std::vector<std::string> strings(const Expr& expr) const {
    std::vector<std::string> out;
    if (!expr.is(ExprKind::kList)) fail(expr.where, "expected a list of names in quotes");
    for (const Expr* item : expr.items) {
      if (!item->is(ExprKind::kString)) fail(item->where, "expected a name in quotes");
      out.emplace_back(item->text);
    }
    return out;
  }

  void check_hooks(const std::vector<std::string>& hooks) const {
    for (const std::string& hook : hooks) {
      if (type_->find_method(hook) == nullptr)
        fail(stmt_.where, cat("hook '", hook, "' is no method of the class"));
    }
  }

  // Named tuples, enums, interfaces.

  void read_named_tuple() {
    std::vector<std::string> fields;
    std::vector<TypePtr> types;
    std::vector<std::optional<IValue>> defaults;
    for (const Stmt* item : stmt_.body) {
      if (item->kind == StmtKind::kPass) continue;
      if (item->annotation == nullptr || item->targets.size() != 1)
        fail(item->where, "a named tuple holds fields only");
      const std::string name = name_of(*item->targets[0]);
      if (std::find(fields.begin(), fields.end(), name) != fields.end()) {
        fail(item->where, cat("field '", name, "' is defined twice"));
      }
      fields.push_back(name);
      types.push_back(read_type(*item->annotation));
      defaults.emplace_back();
      if (item->value != nullptr) {
        defaults.back() = literal_value(source_, *item->value, types.back(), program_.constants);
      }
    }
    program_.unit().add_type(declaration_.qualified_name,
                             std::make_shared<const TupleType>(declaration_.qualified_name, std::move(fields),
                                                               std::move(types), std::move(defaults)));
  }

  void read_enum() {
    std::vector<std::pair<std::string, IValue>> members;
    TypePtr type;
    for (const Stmt* item : stmt_.body) {
      if (item->kind == StmtKind::kPass) continue;
      if (item->kind != StmtKind::kAssign || item->targets.size() != 1)
        fail(item->where, "an enum holds members only");
      const std::string name = name_of(*item->targets[0]);
      IValue value = literal_value(source_, *item->value, nullptr, program_.constants);
      const bool known =
          std::any_of(members.begin(), members.end(), [&](const auto& m) { return m.first == name; });
      if (known) fail(item->where, cat("member '", name, "' is defined twice"));
      if (!value.isInt() && !value.isDouble() && !value.isString()) {
        fail(item->where, "members of an enum are ints, floats or strings");
      }
      if (type == nullptr) type = type_of(value);
      if (!same_type(type, type_of(value))) fail(item->where, "the members of an enum have one type");
      members.emplace_back(name, std::move(value));
    }
    if (type == nullptr) fail(stmt_.where, "an enum without members");
    program_.unit().add_type(
        declaration_.qualified_name,
        std::make_shared<const EnumType>(declaration_.qualified_name, std::move(type), std::move(members)));
  }

  void read_interface(bool is_module) {
    auto type = std::make_shared<InterfaceType>(declaration_.qualified_name, is_module);
    program_.unit().add_type(declaration_.qualified_name, type);
    for (const Stmt* item : stmt_.body) {
      if (item->kind == StmtKind::kPass) continue;
      if (item->kind != StmtKind::kDef) fail(item->where, "an interface holds methods only");
      Declaration method = declaration_;
      method.qualified_name = cat(declaration_.qualified_name, ".", item->text);
      method.def = item;
      // Any: the interface itself would own itself.
      method.self_type = any_type();
      FunctionSchema schema = read_signature(method, program_.constants);
      if (schema.returns.empty()) {
        schema.returns = {make_argument({}, none_type())};
      }
      type->methods.push_back(std::make_shared<const FunctionSchema>(std::move(schema)));
    }
  }

  Program& program_;
  const Declaration& declaration_;
  const Stmt& stmt_;
  const Source& source_;
  std::shared_ptr<ClassType> type_;
  std::set<std::string> names_;
  std::set<std::string> parameters_;
  std::set<std::string> buffers_;
};

}  // namespace

bool is_hook(const ClassType& type, std::string_view method) {
  const auto names = [&](const std::vector<std::string>& hooks) {
    return std::find(hooks.begin(), hooks.end(), method) != hooks.end();
  };
  return names(type.forward_pre_hooks) || names(type.forward_hooks);
}

void define_class(Program& program, const Declaration& declaration) {
  ClassReader(program, declaration).run();
}

}  // namespace calque::torchscript
