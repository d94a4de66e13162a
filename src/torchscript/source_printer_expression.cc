// Expressions: one node -> the right side of an assignment.
#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "ops/operator.h"
#include "torchscript/source_printer_function.h"
#include "torchscript/source_printer_overload.h"
#include "torchscript/source_printer_text.h"
#include "torchscript/structural_schema.h"

namespace calque::torchscript {

namespace {

/// Same kind and value, also inside lists.
bool identical(const IValue& a, const IValue& b) {
  if (a.tag() != b.tag()) return false;
  if (!a.isList()) return !a.isTensor() && !a.isObject() && a == b;
  const std::vector<IValue>& x = a.list_impl()->items;
  const std::vector<IValue>& y = b.list_impl()->items;
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), identical);
}

/// `value` is what an omitted argument would be.
bool is_default(const Argument& argument, const Value& value) {
  if (!argument.default_value.has_value() || !value.node->is("prim::Constant")) return false;
  const IValue& given = value.node->value;
  if (identical(given, *argument.default_value)) return true;
  if (!argument.broadcast_length.has_value() || !given.isList() || argument.default_value->isList())
    return false;
  const std::vector<IValue>& items = given.list_impl()->items;
  return !items.empty() && static_cast<int64_t>(items.size()) == *argument.broadcast_length &&
         std::all_of(items.begin(), items.end(),
                     [&](const IValue& item) { return identical(item, *argument.default_value); });
}

bool is_out(const Argument& argument) { return argument.keyword_only && argument.is_write(); }

/// nullptr for structural nodes that have none.
const FunctionSchema* schema_of(const Node& node) {
  if (node.op != nullptr) return &node.op->schema();
  const std::span<const FunctionSchema* const> schemas = structural_schemas(node.kind);
  return schemas.size() == 1 ? schemas[0] : nullptr;
}

enum class CallForm : uint8_t {
  kShort,      ///< without trailing defaults
  kAll,        ///< all arguments
  kKeywords,   ///< all, by keyword
  kAnnotated,  ///< all, constants with their types
};

std::vector<PrintedArgument> call_form(const Node& node, const std::vector<Argument>& arguments,
                                       CallForm form) {
  size_t end = node.inputs.size();
  while (end > 0 && is_out(arguments[end - 1])) --end;
  const size_t first_out = end;
  while (form == CallForm::kShort && end > 0 && is_default(arguments[end - 1], *node.input(end - 1))) --end;

  std::vector<PrintedArgument> out;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (i >= end && i < first_out) continue;
    PrintedArgument argument{.value = node.input(i)};
    if (arguments[i].keyword_only || form == CallForm::kKeywords) argument.keyword = arguments[i].name;
    const bool constant = node.input(i)->node->is("prim::Constant");
    if (form == CallForm::kAnnotated && constant && !arguments[i].broadcast_length.has_value()) {
      argument.annotation = arguments[i].type;
    }
    out.push_back(argument);
  }
  return out;
}

std::string operator_path(const std::string& kind) {
  const size_t colons = kind.find("::");
  check(colons != std::string::npos, "a node kind without a namespace");
  const std::string_view space = std::string_view(kind).substr(0, colons);
  const std::string_view word = std::string_view(kind).substr(colons + 2);
  if (space == "calque") {
    throw NotImplementedError(
        cat("the program holds ", kind,
            ", which optimisation has put there and PyTorch does not know; save the module "
            "as it was loaded"));
  }
  return space == "aten" ? cat("torch.", word) : cat("ops.", space, ".", word);
}

}  // namespace

std::string FunctionPrinter::expression(const Node& node) {
  std::string words = structural_expression(node);
  return words.empty() ? operator_expression(node) : words;
}

/// Forms that are more than a call by name; empty for operators.
std::string FunctionPrinter::structural_expression(const Node& node) {
  const std::string& kind = node.kind;
  if (kind == "prim::GetAttr") {
    const std::string& object = text(*node.input());
    if (is_identifier(node.name)) return cat(object, ".", node.name);
    return cat("getattr(", object, ", ", string_text(node.name), ")");
  }
  if (kind == "prim::CallMethod") {
    return cat("(", text(*node.input()), ").", node.name, "(", call_arguments(node, 1), ")");
  }
  if (kind == "prim::CallFunction") {
    return cat(callees_.at(node.function), "(", call_arguments(node, 0), ")");
  }
  if (kind == "prim::TupleConstruct") {
    const Type& type = *node.output()->type;
    if (is_named_type(type)) return cat(state_.definitions.name(type), "(", join_inputs(node), ")");
    return cat("(", join_inputs(node), node.inputs.size() == 1 ? ",)" : ")");
  }
  if (kind == "prim::ListConstruct") return list_expression(node);
  if (kind == "prim::DictConstruct") return dict_expression(node);
  if (kind == "prim::Uninitialized") {
    return cat("uninitialized(", state_.definitions.annotation(*node.output()->type), ")");
  }
  if (kind == "prim::CreateObject") {
    const std::string& type = state_.definitions.name(*node.output()->type);
    return cat(type, ".__new__(", type, ")");
  }
  if (kind == "prim::unchecked_cast" || kind == "prim::unchecked_unwrap_optional") {
    return cat("unchecked_cast(", state_.definitions.annotation(*node.output()->type), ", ",
               text(*node.input()), ")");
  }
  if (kind == "prim::isinstance") return isinstance_expression(node);
  if (kind == "prim::TupleIndex" || kind == "prim::TupleSlice" || kind == "aten::__getitem__") {
    return index_expression(node);
  }
  if (kind == "aten::IntImplicit" || kind == "aten::FloatImplicit" || kind == "aten::ScalarImplicit" ||
      kind == "aten::ComplexImplicit" || kind == "aten::BoolImplicit") {
    return annotate(*node.output()->type, text(*node.input()));
  }
  if (kind == "prim::tolist") return annotate(*node.output()->type, cat(text(*node.input()), ".tolist()"));
  if (kind == "prim::EnumName") return cat("(", text(*node.input()), ").name");
  if (kind == "prim::EnumValue") return cat("(", text(*node.input()), ").value");
  if (kind == "aten::Int") return wrap("int", node);
  if (kind == "aten::Float") return wrap("float", node);
  if (kind == "aten::Bool") return wrap("bool", node);
  if (kind == "aten::str") return wrap("str", node);
  if (kind == "prim::Print") return wrap("print", node);
  if (kind == "aten::sorted" && node.inputs.size() == 1) return wrap("sorted", node);
  if (kind == "aten::_unwrap_optional" && text(*node.input()) == "None") {
    return cat("torch._unwrap_optional(", annotate(*optional_type(node.output()->type), "None"), ")");
  }
  return {};
}

std::string FunctionPrinter::operator_expression(const Node& node) {
  return cat(operator_path(node.kind), "(", operator_arguments(node), ")");
}

/// Trailing arguments equal to their default are left out, which also lets older versions read newer schemas.
/// When the types would then choose another overload, more is written, until they choose this one.
std::string FunctionPrinter::operator_arguments(const Node& node) {
  const FunctionSchema* schema = schema_of(node);
  if (schema == nullptr || node.inputs.size() > schema->arguments.size()) return join_inputs(node);
  const std::span<const Operator* const> overloads = find_operators(node.kind);
  const bool known = std::find(overloads.begin(), overloads.end(), node.op) != overloads.end();
  for (const CallForm form : {CallForm::kShort, CallForm::kAll, CallForm::kKeywords, CallForm::kAnnotated}) {
    const std::vector<PrintedArgument> arguments = call_form(node, schema->arguments, form);
    if (!known || overloads.size() == 1 || printed_overload(node.kind, arguments) == node.op) {
      return argument_list(arguments);
    }
  }
  throw NotImplementedError(
      cat("a call of ", schema->full_name(), " cannot be saved: PyTorch would read it as another overload"));
}

std::string FunctionPrinter::argument_list(const std::vector<PrintedArgument>& arguments) {
  std::string out;
  for (const PrintedArgument& argument : arguments) {
    if (!out.empty()) out += ", ";
    if (!argument.keyword.empty()) out += cat(argument.keyword, "=");
    const std::string& words = text(*argument.value);
    out += argument.annotation != nullptr ? annotate(*argument.annotation, words) : words;
  }
  return out;
}

std::string FunctionPrinter::call_arguments(const Node& node, size_t first) const {
  std::string out;
  for (size_t i = first; i < node.inputs.size(); ++i) out += cat(text(*node.inputs[i]), ", ");
  return out;
}

std::string FunctionPrinter::list_expression(const Node& node) {
  const Type& type = *node.output()->type;
  check(type.kind() == TypeKind::List, "prim::ListConstruct gives no list");
  std::string words = cat("[", join_inputs(node), "]");
  const bool other_members = std::any_of(node.inputs.begin(), node.inputs.end(), [&](const Value* input) {
    return !same_type(input->type, type.contained()[0]);
  });
  return needs_annotation(type, node.inputs.empty()) || other_members ? annotate(type, words) : words;
}

std::string FunctionPrinter::dict_expression(const Node& node) {
  const Type& type = *node.output()->type;
  check(type.kind() == TypeKind::Dict && node.inputs.size() % 2 == 0, "prim::DictConstruct is malformed");
  std::string words = "{";
  bool other_members = false;
  for (size_t i = 0; i < node.inputs.size(); i += 2) {
    words += cat(i > 0 ? ", " : "", text(*node.inputs[i]), ": ", text(*node.inputs[i + 1]));
    other_members = other_members || !same_type(node.inputs[i]->type, type.contained()[0]) ||
                    !same_type(node.inputs[i + 1]->type, type.contained()[1]);
  }
  words += "}";
  return needs_annotation(type, node.inputs.empty()) || other_members ? annotate(type, words) : words;
}

std::string FunctionPrinter::index_expression(const Node& node) const {
  const std::string& whole = text(*node.input(0));
  if (node.is("prim::TupleSlice")) {
    return cat("(", whole, ")[", text(*node.input(1)), ":", text(*node.input(2)), "]");
  }
  const bool bare = node.is("aten::__getitem__") && is_identifier(whole);
  return cat(bare ? whole : cat("(", whole, ")"), "[", text(*node.input(1)), "]");
}

std::string FunctionPrinter::isinstance_expression(const Node& node) {
  std::string types;
  for (const TypePtr& type : node.types) {
    types += cat(types.empty() ? "" : ", ", state_.definitions.annotation(*type));
  }
  if (node.types.size() != 1) types = cat("(", types, ")");
  return cat("isinstance(", text(*node.input()), ", ", types, ")");
}

std::string FunctionPrinter::join_inputs(const Node& node) const {
  std::string out;
  for (size_t i = 0; i < node.inputs.size(); ++i) out += cat(i > 0 ? ", " : "", text(*node.inputs[i]));
  return out;
}

std::string FunctionPrinter::wrap(std::string_view function, const Node& node) const {
  return cat(function, "(", join_inputs(node), ")");
}

std::string FunctionPrinter::annotate(const Type& type, std::string_view words) {
  return cat("annotate(", state_.definitions.annotation(type), ", ", words, ")");
}

}  // namespace calque::torchscript
