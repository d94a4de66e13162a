#include "ir/schema.h"

#include <charconv>
#include <limits>

#include "base/text.h"
#include "calque/error.h"
#include "ir/native_class.h"

namespace calque {

namespace {

/// Recursive-descent reader of PyTorch's schema language.
class SchemaReader {
 public:
  explicit SchemaReader(std::string_view text) : text_(text) {}

  FunctionSchema read() {
    FunctionSchema schema;
    std::string full = name();
    if (peek() == '.') {
      ++at_;
      schema.overload = identifier();
    }
    schema.name = std::move(full);
    expect('(');
    read_arguments(schema);
    skip_blanks();
    if (text_.substr(at_, 2) != "->") fail("'->'");
    at_ += 2;
    read_returns(schema);
    skip_blanks();
    if (at_ != text_.size()) fail("the end");
    return schema;
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const {
    throw ValueError(cat("schema ", quoted(text_, 200), ", column ", at_ + 1, ": expected ", expected));
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(cat("'", c, "'"));
  }

  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }

  std::string identifier() {
    skip_blanks();
    const size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (at_ == start) fail("a name");
    return std::string(text_.substr(start, at_ - start));
  }

  std::string name() {
    std::string out = identifier();
    while (text_.substr(at_, 2) == "::") {
      at_ += 2;
      out += "::" + identifier();
    }
    return out;
  }

  void read_arguments(FunctionSchema& schema) {
    bool keyword_only = false;
    if (take(')')) return;
    do {
      if (peek() == '.') {
        at_ += 3;
        schema.is_vararg = true;
        continue;
      }
      if (take('*')) {
        keyword_only = true;
        continue;
      }
      Argument argument = type_and_alias();
      argument.keyword_only = keyword_only;
      argument.name = identifier();
      if (take('=')) argument.default_value = default_value(*argument.type);
      schema.arguments.push_back(std::move(argument));
    } while (take(','));
    expect(')');
  }

  void read_returns(FunctionSchema& schema) {
    if (peek() == '.') {
      at_ += 3;
      schema.is_varret = true;
      return;
    }
    if (!take('(')) {
      schema.returns.push_back(type_and_alias());
      if (is_word(peek())) schema.returns.back().name = identifier();
      return;
    }
    if (take(')')) return;
    do {
      if (peek() == '.') {
        at_ += 3;
        schema.is_varret = true;
        continue;
      }
      Argument result = type_and_alias();
      if (is_word(peek())) result.name = identifier();
      schema.returns.push_back(std::move(result));
    } while (take(','));
    expect(')');
  }

  Argument type_and_alias() {
    Argument argument;
    argument.type = base_type();
    take_alias(argument);
    for (;;) {
      if (take('?')) {
        argument.type = optional_type(argument.type);
      } else if (take('[')) {
        int64_t length = 0;
        if (peek() != ']') length = std::stoll(identifier());
        expect(']');
        const TypeKind element = argument.type->kind();
        if (element == TypeKind::Int || element == TypeKind::Float || element == TypeKind::Bool) {
          argument.broadcast_length = length;
        }
        argument.type = list_type(argument.type);
      } else if (peek() == '(') {
        take_alias(argument);
      } else {
        return argument;
      }
    }
  }

  void take_alias(Argument& argument) {
    // `Tensor(a!)`, `Tensor(a -> *)`, `t[](a!)`; the letter is kept with its mark, what follows an arrow is
    // not.
    if (peek() != '(') return;
    const size_t close = text_.find(')', at_);
    if (close == std::string_view::npos) fail("')'");
    std::string_view alias = text_.substr(at_ + 1, close - at_ - 1);
    if (const size_t arrow = alias.find("->"); arrow != std::string_view::npos)
      alias = alias.substr(0, arrow);
    while (!alias.empty() && alias.back() == ' ') alias.remove_suffix(1);
    argument.alias = std::string(alias);
    at_ = close + 1;
  }

  TypePtr base_type() {
    if (peek() == '(') return tuple();
    const std::string word = name();
    if (word == "Tensor") return tensor_type();
    if (word == "int" || word == "SymInt" || word == "ScalarType" || word == "Layout" ||
        word == "MemoryFormat") {
      return int_type();
    }
    if (word == "float") return float_type();
    if (word == "bool") return bool_type();
    if (word == "Scalar" || word == "number") return number_type();
    if (word == "complex") return complex_type();
    if (word == "str") return string_type();
    if (word == "Device") return device_type();
    if (word == "Generator") return simple_type(TypeKind::Generator);
    if (word == "Stream") return simple_type(TypeKind::Stream);
    if (word == "NoneType") return none_type();
    if (word == "Any") return any_type();
    if (word == "list") return simple_type(TypeKind::AnyList);
    if (word == "tuple") return simple_type(TypeKind::AnyTuple);
    if (word == "AnyEnumType") return simple_type(TypeKind::AnyEnum);
    if (word == "AnyClassType") return simple_type(TypeKind::AnyClass);
    if (word == "AnyListType") return simple_type(TypeKind::AnyList);
    if (word == "AnyTupleType") return simple_type(TypeKind::AnyTuple);
    if (word == "Dict") {
      expect('(');
      TypePtr key = type_and_alias().type;
      expect(',');
      TypePtr value = type_and_alias().type;
      expect(')');
      return dict_type(std::move(key), std::move(value));
    }
    if (word == "Future" || word == "Await" || word == "RRef") {
      expect('(');
      TypePtr inner = type_and_alias().type;
      expect(')');
      if (word == "Future") return future_type(std::move(inner));
      return std::make_shared<const Type>(word == "Await" ? TypeKind::Await : TypeKind::RRef,
                                          std::vector<TypePtr>{std::move(inner)});
    }
    if (word == "__torch__") return native_class(word);
    if (word.size() <= 3 && word[0] >= 'a' && word[0] <= 'z') return var_type(word);
    fail(cat("a type, found ", quoted(word)));
  }

  TypePtr native_class(std::string qualified_name) {
    while (take('.')) qualified_name += "." + identifier();
    if (TypePtr type = find_native_class(qualified_name)) return type;
    fail(cat("a class that is known, found ", quoted(qualified_name)));
  }

  TypePtr tuple() {
    expect('(');
    std::vector<TypePtr> elements;
    if (!take(')')) {
      do {
        elements.push_back(type_and_alias().type);
        if (is_word(peek())) identifier();
      } while (take(','));
      expect(')');
    }
    return tuple_type(std::move(elements));
  }

  IValue default_value(const Type& type) {
    const char c = peek();
    if (c == '"' || c == '\'') return string_literal();
    if (c == '[') return list_literal(type);
    if (c == '-' || (c >= '0' && c <= '9')) return number_literal(type);
    const std::string word = identifier();
    if (word == "None") return {};
    if (word == "True") return IValue(true);
    if (word == "False") return IValue(false);
    if (word == "inf") return IValue(std::numeric_limits<double>::infinity());
    if (word == "nan") return IValue(std::numeric_limits<double>::quiet_NaN());
    if (word == "Mean") return IValue(int64_t{1});
    if (word == "contiguous_format" || word == "strided") return IValue(int64_t{0});
    if (word == "long") return IValue(int64_t{4});
    if (word == "float") return IValue(int64_t{6});
    if (word == "cpu") return IValue(Device{});
    fail(cat("a literal, found ", quoted(word)));
  }

  IValue string_literal() {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        constexpr std::string_view kLetters = "ntfvr";
        constexpr std::string_view kMeanings = "\n\t\f\v\r";
        const size_t letter = kLetters.find(text_[at_]);
        out += letter == std::string_view::npos ? text_[at_] : kMeanings[letter];
      } else {
        out += text_[at_];
      }
      ++at_;
    }
    if (at_ == text_.size()) fail("a closing quote");
    ++at_;
    return IValue(std::move(out));
  }

  IValue list_literal(const Type& type) {
    expect('[');
    const Type* list = &type;
    if (list->kind() == TypeKind::Optional) list = list->contained()[0].get();
    auto out = make_ref<ListImpl>();
    out->element_type = list->kind() == TypeKind::List ? list->contained()[0] : any_type();
    if (!take(']')) {
      do {
        out->items.push_back(default_value(*out->element_type));
      } while (take(','));
      expect(']');
    }
    return IValue(std::move(out));
  }

  IValue number_literal(const Type& type) {
    const size_t start = at_;
    while (at_ < text_.size() &&
           (is_word(text_[at_]) || text_[at_] == '.' || text_[at_] == '-' || text_[at_] == '+')) {
      ++at_;
    }
    const std::string_view digits = text_.substr(start, at_ - start);
    const char* end = digits.data() + digits.size();
    const Type* wanted = &type;
    while (wanted->kind() == TypeKind::Optional || wanted->kind() == TypeKind::List)
      wanted = wanted->contained()[0].get();
    if (digits.find_first_of(".e") == std::string_view::npos && wanted->kind() != TypeKind::Float) {
      int64_t value = 0;
      if (std::from_chars(digits.data(), end, value).ptr != end) fail("an integer");
      if (type.kind() == TypeKind::List) return IValue(std::vector<int64_t>{value});
      return IValue(value);
    }
    double value = 0;
    if (std::from_chars(digits.data(), end, value).ptr != end) fail("a number");
    return IValue(value);
  }

  std::string_view text_;
  size_t at_ = 0;
};

/// In quotes, with the escapes that the parser reads.
std::string quoted_default(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    constexpr std::string_view kMeanings = "\n\t\f\v\r\"\\";
    constexpr std::string_view kLetters = "ntfvr\"\\";
    const size_t letter = kMeanings.find(c);
    if (letter == std::string_view::npos) {
      out += c;
    } else {
      out += {'\\', kLetters[letter]};
    }
  }
  return out + "\"";
}

std::string default_text(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::None:
      return "None";
    case IValue::Tag::Bool:
      return value.toBool() ? "True" : "False";
    case IValue::Tag::Int:
      return cat(value.toInt());
    case IValue::Tag::String:
      return quoted_default(value.toStringRef());
    case IValue::Tag::Double: {
      std::string text = cat(value.toDouble());
      if (text.find_first_of(".einf") == std::string::npos) text += ".";
      return text;
    }
    case IValue::Tag::List: {
      std::string out = "[";
      for (const IValue& item : value.list_impl()->items) {
        if (out.size() > 1) out += ", ";
        out += default_text(item);
      }
      return out + "]";
    }
    default:
      return "None";
  }
}

std::string type_text(const Argument& argument) {
  std::string text = argument.type->str();
  if (argument.broadcast_length.value_or(0) > 0) {
    if (const size_t bracket = text.rfind("[]"); bracket != std::string::npos) {
      text.insert(bracket + 1, cat(*argument.broadcast_length));
    }
  }
  if (argument.alias.empty()) return text;
  const bool optional = text.ends_with('?');
  if (optional) text.pop_back();
  return cat(text, "(", argument.alias, ")", optional ? "?" : "");
}

}  // namespace

FunctionSchema parse_schema(std::string_view text) { return SchemaReader(text).read(); }

std::string FunctionSchema::str() const {
  std::string out = full_name() + "(";
  bool star = false;
  bool first = true;
  for (const Argument& argument : arguments) {
    if (!first) out += ", ";
    first = false;
    if (argument.keyword_only && !star) {
      out += "*, ";
      star = true;
    }
    out += type_text(argument) + " " + argument.name;
    if (argument.default_value) out += "=" + default_text(*argument.default_value);
  }
  if (is_vararg) out += first ? "..." : ", ...";
  out += ") -> ";
  if (is_varret) return out + "...";
  if (returns.size() == 1) {
    return out + type_text(returns[0]) + (returns[0].name.empty() ? "" : " " + returns[0].name);
  }
  out += "(";
  for (size_t i = 0; i < returns.size(); ++i) {
    if (i > 0) out += ", ";
    out += type_text(returns[i]);
    if (!returns[i].name.empty()) out += " " + returns[i].name;
  }
  return out + ")";
}

bool FunctionSchema::has_side_effects() const {
  for (const Argument& argument : arguments) {
    if (argument.is_write()) return true;
  }
  return false;
}

}  // namespace calque
