#include "torchscript/source_printer_class.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "torchscript/class_definition.h"
#include "torchscript/source_printer_text.h"

namespace calque::torchscript {

namespace {

class TypePrinter {
 public:
  TypePrinter(PrintState& state, LocalNames& names, std::string& out)
      : state_(state), names_(names), out_(out) {}

  void class_type(const ClassType& type, std::string_view name) {
    out_ += cat("class ", name, type.is_module ? "(Module):\n" : ":\n");
    const size_t before = out_.size();
    if (type.is_module) {
      name_list("__parameters__", type, &ClassType::Attribute::is_parameter);
      name_list("__buffers__", type, &ClassType::Attribute::is_buffer);
      hook_list("__forward_pre_hooks__", type.forward_pre_hooks);
      hook_list("__forward_hooks__", type.forward_hooks);
    }
    attributes(type);
    constants(type);
    methods(type);
    if (out_.size() == before) out_ += "  pass\n";
  }

  void named_tuple(const TupleType& type, std::string_view name) {
    out_ += cat("class ", name, "(NamedTuple):\n");
    for (size_t i = 0; i < type.fields.size(); ++i) {
      out_ += cat("  ", type.fields[i], " : ", state_.definitions.annotation(*type.contained()[i]), "\n");
    }
    if (type.fields.empty()) out_ += "  pass\n";
  }

  void enum_type(const EnumType& type, std::string_view name) {
    out_ += cat("class ", name, "(Enum):\n");
    for (const auto& [member, value] : type.members) {
      out_ += cat("  ", member, " = ", constant(value, *type.contained()[0]), "\n");
    }
  }

  void interface(const InterfaceType& type, std::string_view name) {
    out_ += cat("class ", name, type.is_module ? "(ModuleInterface):\n" : "(Interface):\n");
    for (const auto& method : type.methods) {
      const size_t dot = method->name.rfind('.');
      out_ += cat("  def ", method->name.substr(dot == std::string::npos ? 0 : dot + 1), "(self");
      for (size_t i = 1; i < method->arguments.size(); ++i) {
        const Argument& argument = method->arguments[i];
        out_ += cat(", ", argument.name, ": ", state_.definitions.annotation(*argument.type));
      }
      const Type& result = method->returns.empty() ? *none_type() : *method->returns[0].type;
      out_ += cat(") -> ", state_.definitions.annotation(result), ":\n    pass\n");
    }
    if (type.methods.empty()) out_ += "  pass\n";
  }

 private:
  std::string constant(const IValue& value, const Type& type) {
    return constant_text(value, type, state_.definitions, state_.constants);
  }

  void name_list(std::string_view list, const ClassType& type, bool ClassType::Attribute::* chosen) {
    out_ += cat("  ", list, " = [");
    for (const ClassType::Attribute& attribute : type.attributes) {
      if (attribute.*chosen) out_ += cat(string_text(attribute.name), ", ");
    }
    out_ += "]\n";
  }

  void hook_list(std::string_view list, const std::vector<std::string>& hooks) {
    if (hooks.empty()) return;
    out_ += cat("  ", list, " = [");
    for (const std::string& hook : hooks) out_ += cat(string_text(hook), ", ");
    out_ += "]\n";
  }

  void attributes(const ClassType& type) {
    for (size_t i = 0; i < type.attributes.size(); ++i) {
      const ClassType::Attribute& attribute = type.attributes[i];
      const std::string annotation = state_.definitions.annotation(*attribute.type);
      if (is_identifier(attribute.name)) {
        out_ += cat("  ", attribute.name, " : ", annotation, "\n");
        continue;
      }
      if (i == 0) out_ += "  __annotations__ = []\n";
      out_ += cat("  __annotations__[", string_text(attribute.name), "] = ", annotation, "\n");
    }
  }

  /// Constants are for the reader only: methods have their values inlined. Names that source cannot hold are
  /// left out.
  void constants(const ClassType& type) {
    for (const ClassType::Constant& item : type.constants) {
      if (!is_identifier(item.name)) continue;
      out_ += cat("  ", item.name, " : Final[", state_.definitions.annotation(*item.type),
                  "] = ", constant(item.value, *item.type), "\n");
    }
  }

  void methods(const ClassType& type) {
    std::vector<const Function*> ordered;
    const auto add = [&](const Function* method) {
      const auto same = [&](const Function* known) { return known == method || known->name == method->name; };
      if (method != nullptr && std::none_of(ordered.begin(), ordered.end(), same)) ordered.push_back(method);
    };
    for (const ClassType::Property& property : type.properties) {
      const auto listed = [&](const Function* accessor) {
        return std::find(type.methods.begin(), type.methods.end(), accessor) != type.methods.end();
      };
      if (!listed(property.getter)) add(property.getter);
      if (!listed(property.setter)) add(property.setter);
    }
    for (const Function* method : type.methods) {
      if (!is_hook(type, method->name)) add(method);
    }
    for (const std::string& hook : type.forward_hooks) add(type.find_method(hook));
    for (const std::string& hook : type.forward_pre_hooks) add(type.find_method(hook));
    for (const Function* method : ordered)
      FunctionPrinter(state_, names_, out_, 1).print(*method, method->name, true);
  }

  PrintState& state_;
  LocalNames& names_;
  std::string& out_;
};

}  // namespace

void print_type(const Type& type, std::string_view name, PrintState& state, LocalNames& names,
                std::string& out) {
  TypePrinter printer(state, names, out);
  switch (type.kind()) {
    case TypeKind::Class:
      return printer.class_type(static_cast<const ClassType&>(type), name);
    case TypeKind::Tuple:
      return printer.named_tuple(static_cast<const TupleType&>(type), name);
    case TypeKind::Enum:
      return printer.enum_type(static_cast<const EnumType&>(type), name);
    default:
      check(type.kind() == TypeKind::Interface, "a type that has no definition");
      return printer.interface(static_cast<const InterfaceType&>(type), name);
  }
}

}  // namespace calque::torchscript
