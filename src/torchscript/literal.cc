#include "torchscript/literal.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.h"
#include "calque/error.h"
#include "torchscript/type_parser.h"

namespace calque::torchscript {

namespace {

class LiteralReader {
 public:
  LiteralReader(const Source& source, const std::vector<IValue>& constants)
      : source_(source), constants_(constants) {}

  IValue read(const Expr& expr, const TypePtr& wanted) const {
    const TypePtr type = wanted == nullptr                      ? nullptr
                         : wanted->kind() == TypeKind::Optional ? wanted->contained()[0]
                                                                : wanted;
    IValue value = raw(expr, type);
    if (type != nullptr && type->kind() == TypeKind::Float && value.isInt()) {
      value = static_cast<double>(value.toInt());
    }
    if (type != nullptr && type->kind() == TypeKind::Device && value.isString())
      value = device(expr, value.toStringRef());
    if (wanted != nullptr && !value_has_type(value, *wanted)) {
      fail(expr, cat("expected a literal of type ", wanted->annotation(), ", found ", value.type_name()));
    }
    return value;
  }

 private:
  [[noreturn]] void fail(const Expr& expr, std::string_view message) const {
    fail_at(source_, expr.where, message);
  }

  IValue raw(const Expr& expr, const TypePtr& type) const {
    switch (expr.kind) {
      case ExprKind::kInteger:
        return integer(expr, false);
      case ExprKind::kFloat:
        return expr.real;
      case ExprKind::kImaginary:
        return std::complex<double>(0, expr.real);
      case ExprKind::kString:
        return std::string(expr.text);
      case ExprKind::kTrue:
        return true;
      case ExprKind::kFalse:
        return false;
      case ExprKind::kNone:
        return IValue();
      case ExprKind::kUnary:
        if (expr.text == "-" || expr.text == "+") return signed_number(*expr.items[0], expr.text == "-");
        break;
      case ExprKind::kBinary:
        if (expr.text == "+") return complex(expr);
        break;
      case ExprKind::kTuple:
        return tuple(expr, type);
      case ExprKind::kList:
        return list(expr, type);
      case ExprKind::kDict:
        return dict(expr, type);
      case ExprKind::kName:
        if (expr.text == "inf") return std::numeric_limits<double>::infinity();
        if (expr.text == "nan") return std::numeric_limits<double>::quiet_NaN();
        if (expr.text == "infj") return std::complex<double>(0, std::numeric_limits<double>::infinity());
        if (expr.text == "nanj") return std::complex<double>(0, std::numeric_limits<double>::quiet_NaN());
        break;
      case ExprKind::kAttribute:
        if (expr.items[0]->is_name("CONSTANTS")) return constant(expr);
        if (type != nullptr && type->kind() == TypeKind::Enum) return member(expr, type);
        break;
      case ExprKind::kCall:
        return call(expr, type);
      default:
        break;
    }
    fail(expr, "expected a literal");
  }

  IValue integer(const Expr& expr, bool negative) const {
    if (expr.integer > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) {
      fail(expr, "Integral constant out of range (must fit in a signed 64 bit integer)");
    }
    return static_cast<int64_t>(negative ? 0 - expr.integer : expr.integer);
  }

  IValue signed_number(const Expr& expr, bool negative) const {
    if (expr.is(ExprKind::kInteger)) return integer(expr, negative);
    const IValue value = raw(expr, nullptr);
    if (value.isDouble()) return negative ? -value.toDouble() : value.toDouble();
    if (value.isComplexDouble()) return negative ? -value.toComplexDouble() : value.toComplexDouble();
    fail(expr, "expected a number after the sign");
  }

  IValue complex(const Expr& expr) const {
    const IValue real = raw(*expr.items[0], nullptr);
    const IValue imaginary = raw(*expr.items[1], nullptr);
    if (!imaginary.isComplexDouble() || (!real.isDouble() && !real.isInt())) fail(expr, "expected a literal");
    return std::complex<double>(real.toScalar().to_double()) + imaginary.toComplexDouble();
  }

  IValue tuple(const Expr& expr, const TypePtr& type) const {
    const bool typed =
        type != nullptr && type->kind() == TypeKind::Tuple && type->contained().size() == expr.items.size();
    if (type != nullptr && type->kind() == TypeKind::List) return list(expr, type);
    std::vector<IValue> items;
    for (size_t i = 0; i < expr.items.size(); ++i) {
      items.push_back(read(*expr.items[i], typed ? type->contained()[i] : nullptr));
    }
    return IValue::tuple(std::move(items));
  }

  IValue list(const Expr& expr, const TypePtr& type) const {
    TypePtr element = type != nullptr && type->kind() == TypeKind::List ? type->contained()[0] : nullptr;
    auto out = make_ref<ListImpl>();
    for (const Expr* item : expr.items) out->items.push_back(read(*item, element));
    for (const IValue& item : out->items) {
      if (type == nullptr || type->kind() != TypeKind::List) {
        element = element == nullptr ? type_of(item) : unify_types(element, type_of(item));
        if (element == nullptr) fail(expr, "the elements of this list have different types");
      }
    }
    out->element_type = element == nullptr ? tensor_type() : element;
    return IValue(std::move(out));
  }

  IValue dict(const Expr& expr, const TypePtr& type) const {
    const bool typed = type != nullptr && type->kind() == TypeKind::Dict;
    TypePtr key = typed ? type->contained()[0] : nullptr;
    TypePtr value = typed ? type->contained()[1] : nullptr;
    auto out = make_ref<DictImpl>();
    for (size_t i = 0; i < expr.items.size(); i += 2) {
      const IValue k = read(*expr.items[i], key);
      const IValue v = read(*expr.items[i + 1], value);
      if (!typed) {
        key = type_of(k);
        value = value == nullptr ? type_of(v) : unify_types(value, type_of(v));
        if (value == nullptr) fail(expr, "the values of this dict have different types");
      }
      try {
        out->insert_or_assign(k, v);
      } catch (const TypeError& error) {
        fail(expr, error.msg());
      }
    }
    out->key_type = key == nullptr ? string_type() : key;
    out->value_type = value == nullptr ? tensor_type() : value;
    return IValue(std::move(out));
  }

  IValue constant(const Expr& expr) const {
    size_t index = 0;
    const std::string_view name = expr.text;
    const char* const end = name.data() + name.size();
    const bool numbered = name.size() > 1 && name[0] == 'c';
    const auto parsed = std::from_chars(name.data() + (numbered ? 1 : 0), end, index);
    if (!numbered || parsed.ec != std::errc() || parsed.ptr != end || index >= constants_.size()) {
      fail(expr,
           cat("CONSTANTS.", name, " is not among the ", constants_.size(), " constants of this archive"));
    }
    return constants_[index];
  }

  IValue member(const Expr& expr, const TypePtr& type) const {
    for (const auto& [name, value] : static_cast<const EnumType&>(*type).members) {
      if (name != expr.text) continue;
      auto out = make_ref<EnumImpl>();
      out->type = type;
      out->name = name;
      out->value = value;
      return IValue(std::move(out));
    }
    fail(expr, cat(type->annotation(), " has no member ", expr.text));
  }

  IValue call(const Expr& expr, const TypePtr& type) const {
    const std::string name = dotted_name(*expr.items[0]);
    if (name == "annotate" && expr.items.size() == 3) return read(*expr.items[2], type);
    if (name == "torch.device" && expr.items.size() >= 2 && expr.items[1]->is(ExprKind::kString)) {
      std::string text(expr.items[1]->text);
      if (expr.items.size() == 3 && expr.items[2]->is(ExprKind::kInteger))
        text += cat(":", expr.items[2]->integer);
      return device(expr, text);
    }
    fail(expr, "expected a literal");
  }

  IValue device(const Expr& expr, const std::string& text) const {
    try {
      return Device::parse(text);
    } catch (const ValueError& error) {
      fail(expr, error.msg());
    }
  }

  const Source& source_;
  const std::vector<IValue>& constants_;
};

}  // namespace

IValue literal_value(const Source& source, const Expr& expr, const TypePtr& type,
                     const std::vector<IValue>& constants) {
  return LiteralReader(source, constants).read(expr, type);
}

}  // namespace calque::torchscript
