#include "ir/graph_parse_value.h"

#include <array>
#include <complex>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "calque/error.h"

namespace calque {

namespace {

constexpr std::array kSimple = {
    TypeKind::Any,       TypeKind::Tensor,   TypeKind::Int,     TypeKind::Float,   TypeKind::Bool,
    TypeKind::Number,    TypeKind::Complex,  TypeKind::String,  TypeKind::None,    TypeKind::Device,
    TypeKind::Generator, TypeKind::Stream,   TypeKind::Capsule, TypeKind::AnyList, TypeKind::AnyTuple,
    TypeKind::AnyEnum,   TypeKind::AnyClass,
};

std::vector<TypePtr> type_list(TextCursor& text, const GraphNames& names, std::string_view close) {
  std::vector<TypePtr> types;
  if (text.take(close)) return types;
  do {
    types.push_back(parse_type(text, names));
  } while (text.take(","));
  text.expect(close);
  return types;
}

TypePtr generic_type(const std::string& head, std::vector<TypePtr> parts, const TextCursor& text) {
  if (head == "Dict" && parts.size() == 2) return dict_type(parts[0], parts[1]);
  if (parts.size() != 1) text.fail(cat("one type inside ", head));
  if (head == "Future") return future_type(parts[0]);
  const TypeKind kind = head == "Await" ? TypeKind::Await : TypeKind::RRef;
  return std::make_shared<const Type>(kind, std::move(parts));
}

TypePtr named_type(const std::string& name, const GraphNames& names) {
  for (const TypeKind kind : kSimple) {
    if (simple_type(kind)->str() == name) return simple_type(kind);
  }
  TypePtr found = names.type ? names.type(name) : nullptr;
  return found != nullptr ? found : std::make_shared<const ClassType>(name, false);
}

TypePtr base_type(TextCursor& text, const GraphNames& names) {
  if (text.take("(")) return tuple_type(type_list(text, names, ")"));
  const std::string name = text.word(".");
  const bool is_generic = name == "Dict" || name == "Future" || name == "Await" || name == "RRef";
  if (is_generic && text.take("(")) return generic_type(name, type_list(text, names, ")"), text);
  if (name == "Union" && text.take("["))
    return std::make_shared<const Type>(TypeKind::Union, type_list(text, names, "]"));
  return named_type(name, names);
}

/// `{1}`, `{0.5}`, `<Tensor float32[2, 3]>`, `<undefined tensor>`.
Tensor stand_in(TextCursor& text) {
  if (text.take("<undefined tensor>")) return {};
  if (text.take("{")) {
    TextCursor ahead = text;
    const std::string_view shown = ahead.until("}");
    if (shown == "True" || shown == "False") {
      text = ahead;
      text.expect("}");
      return full({}, shown == "True", kBool);
    }
    const bool is_real = shown.find_first_of(".en") != std::string_view::npos;
    const Tensor single = is_real ? full({}, text.real(), kDouble) : full({}, text.integer(), kLong);
    text.expect("}");
    return single;
  }
  text.expect("<Tensor");
  const std::optional<ScalarType> dtype = dtype_from_name(text.word());
  if (!dtype) text.fail("a dtype before this");
  std::vector<int64_t> sizes;
  text.expect("[");
  while (!text.take("]")) {
    sizes.push_back(text.integer());
    if (sizes.back() < 0) text.fail("sizes that are not negative");
    text.take(",");
  }
  text.expect(">");
  // One element for all: a text must not decide how much memory is taken.
  return zeros({}, *dtype).expand(sizes);
}

IValue list_constant(TextCursor& text, const Type& type) {
  text.expect("[");
  auto list = make_ref<ListImpl>();
  list->element_type = type.contained()[0];
  while (!text.take("]")) {
    list->items.push_back(parse_constant(text, *list->element_type));
    text.take(",");
  }
  return list;
}

IValue tuple_constant(TextCursor& text, const Type& type) {
  std::vector<IValue> items;
  text.expect("(");
  for (const TypePtr& element : type.contained()) {
    items.push_back(parse_constant(text, *element));
    text.take(",");
  }
  text.expect(")");
  return IValue::tuple(std::move(items));
}

}  // namespace

TypePtr parse_type(TextCursor& text, const GraphNames& names) {
  const TextCursor::Level level(text);
  TypePtr type = base_type(text, names);
  for (;;) {
    if (text.take("[]")) {
      type = list_type(type);
    } else if (text.take("?")) {
      type = optional_type(type);
    } else {
      return type;
    }
  }
}

IValue parse_constant(TextCursor& text, const Type& type) {
  const TextCursor::Level level(text);
  if (text.take("None")) return {};
  switch (type.kind()) {
    case TypeKind::Int:
      return text.integer();
    case TypeKind::Float:
      return text.real();
    case TypeKind::Bool:
      if (text.take("True")) return true;
      text.expect("False");
      return false;
    case TypeKind::String:
      return text.quoted_text();
    case TypeKind::Device:
      return Device::parse(text.word(":"));
    case TypeKind::Tensor:
      return stand_in(text);
    case TypeKind::Complex: {
      const double real = text.real();
      text.expect("+");
      const double imaginary = text.real();
      text.expect("j");
      return std::complex<double>(real, imaginary);
    }
    case TypeKind::Optional:
      return parse_constant(text, *type.contained()[0]);
    case TypeKind::List:
      return list_constant(text, type);
    case TypeKind::Tuple:
      return tuple_constant(text, type);
    default:
      text.fail(cat("a constant that text can hold, of type ", type.str()));
  }
}

}  // namespace calque
