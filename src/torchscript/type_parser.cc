#include "torchscript/type_parser.h"

#include <array>
#include <optional>

#include "base/text.h"
#include "torchscript/source_parser.h"

namespace calque::torchscript {

namespace {

struct NamedKind {
  std::string_view name;
  TypeKind kind;
};

constexpr std::array kSimple = {
    NamedKind{"Tensor", TypeKind::Tensor},
    NamedKind{"int", TypeKind::Int},
    NamedKind{"float", TypeKind::Float},
    NamedKind{"bool", TypeKind::Bool},
    NamedKind{"str", TypeKind::String},
    NamedKind{"number", TypeKind::Number},
    NamedKind{"complex", TypeKind::Complex},
    NamedKind{"NoneType", TypeKind::None},
    NamedKind{"None", TypeKind::None},
    NamedKind{"Device", TypeKind::Device},
    NamedKind{"Any", TypeKind::Any},
    NamedKind{"Generator", TypeKind::Generator},
    NamedKind{"Stream", TypeKind::Stream},
    NamedKind{"Capsule", TypeKind::Capsule},
    NamedKind{"tuple", TypeKind::AnyTuple},
    NamedKind{"list", TypeKind::AnyList},
    NamedKind{"AnyClassType", TypeKind::AnyClass},
    NamedKind{"AnyEnumType", TypeKind::AnyEnum},
    NamedKind{"AnyTupleType", TypeKind::AnyTuple},
    NamedKind{"AnyListType", TypeKind::AnyList},
};

/// Spellings of Python programs.
constexpr std::array kScriptSimple = {
    NamedKind{"torch.Tensor", TypeKind::Tensor}, NamedKind{"torch.device", TypeKind::Device},
    NamedKind{"torch.dtype", TypeKind::Int},     NamedKind{"torch.Generator", TypeKind::Generator},
    NamedKind{"typing.Any", TypeKind::Any},
};

class TypeReader {
 public:
  TypeReader(const Source& source, const TypeLookup& lookup) : source_(source), lookup_(lookup) {}

  TypePtr read(const Expr& expr) const {
    switch (expr.kind) {
      case ExprKind::kNone:
        return none_type();
      case ExprKind::kString:
        return quoted_type(expr);
      case ExprKind::kBinary:
        if (expr.text == "|") return union_type({read(*expr.items[0]), read(*expr.items[1])});
        break;
      case ExprKind::kName:
      case ExprKind::kAttribute:
        return named(expr);
      case ExprKind::kSubscript:
        return generic(expr);
      default:
        break;
    }
    fail(expr, "this is no type");
  }

 private:
  [[noreturn]] void fail(const Expr& expr, std::string_view message) const {
    fail_at(source_, expr.where, message);
  }

  TypePtr quoted_type(const Expr& expr) const {
    const ParsedExpr inner =
        parse_expression({.name = source_.name, .text = std::string(expr.text), .dialect = source_.dialect});
    if (inner.expr->is(ExprKind::kString)) fail(expr, "a type in quotes in quotes");
    return TypeReader(inner.tree->source(), lookup_).read(*inner.expr);
  }

  TypePtr named(const Expr& expr) const {
    const std::string name = dotted_name(expr);
    if (name.empty()) fail(expr, "this is no type");
    if (name == "torch.Size") return list_type(int_type());
    for (const NamedKind& known : kSimple) {
      if (known.name == name) return simple_type(known.kind);
    }
    if (TypePtr type = lookup_(name, expr.where)) return type;
    if (source_.dialect == Dialect::kScript) {
      for (const NamedKind& known : kScriptSimple) {
        if (known.name == name) return simple_type(known.kind);
      }
    }
    fail(expr, cat("Unknown type name '", name, "'"));
  }

  TypePtr generic(const Expr& expr) const {
    std::string name = dotted_name(*expr.items[0]);
    if (name.starts_with("typing.")) name.erase(0, 7);
    std::vector<const Expr*> arguments(expr.items.begin() + 1, expr.items.end());
    if (arguments.size() == 1 && arguments[0]->is(ExprKind::kTuple)) {
      arguments.assign(arguments[0]->items.begin(), arguments[0]->items.end());
    }
    if (name == "Tuple" || name == "tuple") return tuple_type(read_all(arguments));
    if (name == "Union") {
      constexpr size_t kMaxMembers = 256;
      if (arguments.empty()) fail(expr, "Union needs at least one type");
      if (arguments.size() > kMaxMembers) fail(expr, cat("Union of more than ", kMaxMembers, " types"));
      return union_type(read_all(arguments));
    }
    if (name == "List" || name == "list") return list_type(one(expr, name, arguments));
    if (name == "Optional") return optional_type(one(expr, name, arguments));
    if (name == "Future" || name == "torch.jit.Future") return future_type(one(expr, name, arguments));
    if (name == "Await") return make(TypeKind::Await, one(expr, name, arguments));
    if (name == "RRef") return make(TypeKind::RRef, one(expr, name, arguments));
    if (name == "Final") return one(expr, name, arguments);
    if (name == "Dict" || name == "dict") {
      if (arguments.size() != 2) fail(expr, "Dict needs a key type and a value type");
      return dict_type(read(*arguments[0]), read(*arguments[1]));
    }
    fail(expr, cat("Unknown type constructor ", name.empty() ? "here" : name));
  }

  std::vector<TypePtr> read_all(const std::vector<const Expr*>& exprs) const {
    std::vector<TypePtr> types;
    for (const Expr* expr : exprs) types.push_back(read(*expr));
    return types;
  }

  TypePtr one(const Expr& expr, std::string_view name, const std::vector<const Expr*>& arguments) const {
    if (arguments.size() != 1) fail(expr, cat(name, " needs one type, found ", arguments.size()));
    return read(*arguments[0]);
  }

  static TypePtr make(TypeKind kind, TypePtr element) {
    return std::make_shared<const Type>(kind, std::vector<TypePtr>{std::move(element)});
  }

  const Source& source_;
  const TypeLookup& lookup_;
};

}  // namespace

TypePtr parse_type(const Source& source, const Expr& expr, const TypeLookup& lookup) {
  return TypeReader(source, lookup).read(expr);
}

TypePtr parse_type_text(std::string_view text, std::string_view label, int max_depth,
                        const TypeLookup& lookup) {
  const ParsedExpr parsed =
      parse_expression({.name = std::make_shared<const std::string>(label), .text = std::string(text)},
                       {.max_depth = max_depth});
  return parse_type(parsed.tree->source(), *parsed.expr, lookup);
}

std::string dotted_name(const Expr& expr) {
  std::vector<std::string_view> parts;
  const Expr* at = &expr;
  for (; at->is(ExprKind::kAttribute); at = at->items[0]) parts.push_back(at->text);
  if (!at->is(ExprKind::kName)) return {};
  std::string out(at->text);
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) out += cat(".", *part);
  return out;
}

}  // namespace calque::torchscript
