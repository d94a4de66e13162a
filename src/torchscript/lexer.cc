#include "torchscript/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "calque/error.h"
#include "torchscript/original_places.h"

namespace calque::torchscript {

namespace {

constexpr std::array kKeywords = {
    std::string_view("False"), std::string_view("None"),   std::string_view("True"),
    std::string_view("and"),   std::string_view("as"),     std::string_view("assert"),
    std::string_view("break"), std::string_view("class"),  std::string_view("continue"),
    std::string_view("def"),   std::string_view("del"),    std::string_view("elif"),
    std::string_view("else"),  std::string_view("for"),    std::string_view("global"),
    std::string_view("if"),    std::string_view("import"), std::string_view("in"),
    std::string_view("is"),    std::string_view("not"),    std::string_view("or"),
    std::string_view("pass"),  std::string_view("raise"),  std::string_view("return"),
    std::string_view("while"), std::string_view("with"),
};

// Longest first among those that share a beginning.
constexpr std::array kOperators = {
    std::string_view("**="), std::string_view("//="), std::string_view("<<="), std::string_view(">>="),
    std::string_view("..."), std::string_view("->"),  std::string_view("**"),  std::string_view("//"),
    std::string_view("<<"),  std::string_view(">>"),  std::string_view("=="),  std::string_view("!="),
    std::string_view("<="),  std::string_view(">="),  std::string_view("+="),  std::string_view("-="),
    std::string_view("*="),  std::string_view("/="),  std::string_view("%="),  std::string_view("@="),
    std::string_view("&="),  std::string_view("|="),  std::string_view("^="),  std::string_view("+"),
    std::string_view("-"),   std::string_view("*"),   std::string_view("/"),   std::string_view("%"),
    std::string_view("@"),   std::string_view("&"),   std::string_view("|"),   std::string_view("^"),
    std::string_view("~"),   std::string_view("<"),   std::string_view(">"),   std::string_view("="),
    std::string_view("("),   std::string_view(")"),   std::string_view("["),   std::string_view("]"),
    std::string_view("{"),   std::string_view("}"),   std::string_view(","),   std::string_view("."),
    std::string_view(":"),
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

/// `text` without '_' between digits.
std::string without_underscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

}  // namespace

NamedPosition named_position(const Source& source, Position where) {
  if (source.dialect == Dialect::kScript && source.original != nullptr) {
    if (const auto place = source.original->find(where.line, where.column)) {
      const auto cut = static_cast<uint32_t>(place->cut.value_or(0));
      return {.name = place->file,
              .where = {.line = static_cast<uint32_t>(place->line), .column = where.column + cut}};
    }
  }
  return {.name = source.name, .where = where};
}

std::string located(const Source& source, Position where, std::string_view message) {
  // Names in messages are as long as the source has them.
  constexpr size_t kLongestMessage = 4000;
  const NamedPosition place = named_position(source, where);
  std::string out = cat(*place.name, ":", place.where.line, ":", place.where.column, ": ",
                        message.substr(0, kLongestMessage), message.size() > kLongestMessage ? " …" : "");
  const std::string_view text = source.text;
  size_t begin = 0;
  for (uint32_t line = 1; line < where.line; ++line) {
    begin = text.find('\n', begin);
    if (begin == std::string_view::npos) return out;
    ++begin;
  }
  std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  size_t column = std::min<size_t>(where.column == 0 ? 0 : where.column - 1, line.size());
  constexpr size_t kWidth = 100;
  if (line.size() > kWidth) {
    const size_t from = column < kWidth / 2 ? 0 : column - kWidth / 2;
    line = line.substr(from, kWidth);
    column -= from;
  }
  std::string shown;
  for (const char c : line) shown += c == '\t' || (c >= 0x20 && c < 0x7f) ? c : '?';
  return cat(out, "\n    ", shown, "\n    ", std::string(column, ' '), "^");
}

void fail_at(const Source& source, Position where, std::string_view message) {
  throw LoadError(located(source, where, message));
}

Lexer::Lexer(const Source& source) : source_(&source), text_(source.text) {
  if (text_.size() >= UINT32_MAX) throw LoadError(cat(*source.name, ": source text of more than 4 GiB"));
  if (text_.starts_with("\xEF\xBB\xBF")) {
    if (source.dialect == Dialect::kArchive) fail("a byte-order mark; TorchScript sources begin without one");
    at_ = line_start_ = 3;
  }
}

Lexer::Lexer(const Source& source, uint32_t begin, uint32_t end)
    : source_(&source), text_(source.text), at_(begin), brackets_(1), fragment_(true) {
  text_ = text_.substr(0, end);
  for (size_t i = 0; i < begin; ++i) {
    if (text_[i] != '\n') continue;
    ++line_;
    line_start_ = i + 1;
  }
}

void Lexer::fail(std::string_view message) const { fail_at(*source_, here(), message); }

Token Lexer::next() {
  if (pending_dedents_ > 0) {
    --pending_dedents_;
    return make(TokenKind::kDedent, 0);
  }
  if (line_begins_ && brackets_ == 0) {
    if (!start_line()) {
      pending_dedents_ = static_cast<uint32_t>(indents_.size() - 1);
      indents_.resize(1);
      line_begins_ = false;
      return next();
    }
    const size_t width = at_ - line_start_;
    line_begins_ = false;
    if (width != indents_.back()) return indentation(width);
  }
  if (!skip_blank()) {
    if (fragment_) return make(TokenKind::kEnd, 0);
    if (!line_has_tokens_) {
      if (indents_.size() > 1) {
        pending_dedents_ = static_cast<uint32_t>(indents_.size() - 1);
        indents_.resize(1);
        return next();
      }
      return make(TokenKind::kEnd, 0);
    }
    if (brackets_ > 0) fail("the text ends inside brackets");
    if (source_->dialect == Dialect::kArchive) fail("the text ends without a newline");
    line_has_tokens_ = false;
    return make(TokenKind::kNewline, 0);
  }
  const char c = peek();
  if (c == '\n' || c == '\r') {
    Token token = make(TokenKind::kNewline, 0);
    take_newline();
    line_begins_ = true;
    line_has_tokens_ = false;
    return token;
  }
  line_has_tokens_ = true;
  if (is_name_start(c)) return name_or_keyword();
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
  if (c == '"' || c == '\'') return string();
  return operator_token();
}

/// Goes to the first token of the next line that has one; false at the end of the text.
bool Lexer::start_line() {
  while (!at_end()) {
    while (is_blank(peek())) ++at_;
    if (peek() == '#') skip_comment();
    if (at_end()) return false;
    if (peek() != '\n' && peek() != '\r') return true;
    take_newline();
  }
  return false;
}

/// Skips blanks, comments, joined lines and, inside brackets, line ends; false at the end of the text.
bool Lexer::skip_blank() {
  while (!at_end()) {
    const char c = peek();
    if (is_blank(c)) {
      ++at_;
    } else if (c == '#') {
      skip_comment();
    } else if (c == '\\' && (peek(1) == '\n' || (peek(1) == '\r' && peek(2) == '\n'))) {
      ++at_;
      take_newline();
    } else if (brackets_ > 0 && (c == '\n' || c == '\r')) {
      take_newline();
    } else {
      return true;
    }
  }
  return false;
}

void Lexer::skip_comment() {
  const size_t begin = at_;
  while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
  std::string_view comment = text_.substr(begin + 1, at_ - begin - 1);
  while (!comment.empty() && is_blank(comment.front())) comment.remove_prefix(1);
  if (!comment.starts_with("type:")) return;
  comment.remove_prefix(5);
  while (!comment.empty() && is_blank(comment.front())) comment.remove_prefix(1);
  if (!comment.starts_with("ignore")) type_comment_ = comment;
}

void Lexer::take_newline() {
  if (peek() == '\r') {
    if (peek(1) != '\n') fail("a carriage return without a newline");
    ++at_;
  }
  ++at_;
  ++line_;
  line_start_ = at_;
}

Token Lexer::make(TokenKind kind, size_t length) {
  Token token{.kind = kind,
              .text = text_.substr(at_, length),
              .where = here(),
              .offset = static_cast<uint32_t>(at_),
              .type_comment = type_comment_};
  type_comment_ = {};
  at_ += length;
  return token;
}

Token Lexer::indentation(size_t width) {
  if (width > indents_.back()) {
    indents_.push_back(width);
    return make(TokenKind::kIndent, 0);
  }
  while (width < indents_.back()) {
    indents_.pop_back();
    ++pending_dedents_;
  }
  if (width != indents_.back())
    fail("this line is indented less than its block and more than the one around it");
  return next();
}

Token Lexer::name_or_keyword() {
  size_t length = 1;
  while (is_name_part(peek(length))) ++length;
  const char quote = peek(length);
  if (length <= 2 && (quote == '"' || quote == '\'') && source_->dialect == Dialect::kScript) {
    return string_literal(length);
  }
  const std::string_view word = text_.substr(at_, length);
  const bool keyword = std::binary_search(kKeywords.begin(), kKeywords.end(), word);
  return make(keyword ? TokenKind::kKeyword : TokenKind::kName, length);
}

Token Lexer::number() {
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) return radix_integer();
  const bool underscores = source_->dialect == Dialect::kScript;
  size_t length = 0;
  bool real = false;
  const auto digits = [&] {
    while (is_digit(peek(length)) || (underscores && peek(length) == '_' && is_digit(peek(length + 1))))
      ++length;
  };
  digits();
  if (peek(length) == '.' && !(peek(length + 1) == '.')) {
    real = true;
    ++length;
    digits();
  }
  if (peek(length) == 'e' || peek(length) == 'E') {
    const size_t sign = peek(length + 1) == '+' || peek(length + 1) == '-' ? 1 : 0;
    if (is_digit(peek(length + 1 + sign))) {
      real = true;
      length += 1 + sign;
      digits();
    }
  }
  const std::string literal = without_underscores(text_.substr(at_, length));
  const char* const end = literal.data() + literal.size();
  const bool imaginary = peek(length) == 'j' || peek(length) == 'J';
  if (is_name_part(peek(length + (imaginary ? 1 : 0)))) fail("a number that runs into a name");
  if (real || imaginary) {
    double value = 0;
    const auto parsed = std::from_chars(literal.data(), end, value);
    if (parsed.ec == std::errc::result_out_of_range) value = std::strtod(literal.c_str(), nullptr);
    if (parsed.ptr != end || parsed.ec == std::errc::invalid_argument) fail("not a number");
    Token token = make(imaginary ? TokenKind::kImaginary : TokenKind::kFloat, length + (imaginary ? 1 : 0));
    token.real = value;
    return token;
  }
  const bool octal = literal.size() > 1 && literal[0] == '0';
  uint64_t value = 0;
  const auto parsed = std::from_chars(literal.data(), end, value, octal ? 8 : 10);
  if (parsed.ec == std::errc::result_out_of_range) fail("an integer that does not fit 64 bits");
  if (parsed.ptr != end) fail("not an octal number, although it begins with 0");
  Token token = make(TokenKind::kInteger, length);
  token.integer = value;
  return token;
}

Token Lexer::radix_integer() {
  size_t length = 2;
  while (is_name_part(peek(length))) ++length;
  const std::string literal = without_underscores(text_.substr(at_ + 2, length - 2));
  uint64_t value = 0;
  const char* const end = literal.data() + literal.size();
  const auto parsed = std::from_chars(literal.data(), end, value, 16);
  if (parsed.ec == std::errc::result_out_of_range) fail("an integer that does not fit 64 bits");
  if (parsed.ec != std::errc() || parsed.ptr != end) fail("not a hexadecimal number");
  Token token = make(TokenKind::kInteger, length);
  token.integer = value;
  return token;
}

Token Lexer::string() { return string_literal(0); }

Token Lexer::string_literal(size_t prefix) {
  const Position where = here();
  const char quote = peek(prefix);
  const bool triple = peek(prefix + 1) == quote && peek(prefix + 2) == quote;
  const size_t fence = triple ? 3 : 1;
  size_t length = prefix + fence;
  for (;; ++length) {
    if (at_end(length)) fail_at(*source_, where, "a string that does not end");
    const char c = peek(length);
    if (c == '\0') fail_at(*source_, where, "a NUL byte in a string");
    if (c == '\n' && !triple) fail_at(*source_, where, "a string that does not end on its line");
    if (c == '\\') {
      ++length;
      continue;
    }
    if (c == quote && (!triple || (peek(length + 1) == quote && peek(length + 2) == quote))) break;
  }
  Token token = make(TokenKind::kString, length + fence);
  for (size_t i = 0; i < token.text.size(); ++i) {
    if (token.text[i] != '\n') continue;
    ++line_;
    line_start_ = token.offset + i + 1;
  }
  return token;
}

Token Lexer::operator_token() {
  const std::string_view rest = text_.substr(at_);
  for (const std::string_view candidate : kOperators) {
    if (!rest.starts_with(candidate)) continue;
    if (candidate == "(" || candidate == "[" || candidate == "{") ++brackets_;
    if (candidate == ")" || candidate == "]" || candidate == "}") {
      if (brackets_ == 0) fail(cat("'", candidate, "' without its opening bracket"));
      --brackets_;
    }
    return make(TokenKind::kOperator, candidate.size());
  }
  if (rest[0] == ';') fail("';' is not part of TorchScript; put each statement on its own line");
  if (rest[0] == '\0') fail("a NUL byte");
  if (static_cast<unsigned char>(rest[0]) >= 0x80) fail("a non-ASCII character outside strings and comments");
  fail(cat("unexpected character ", quoted(rest.substr(0, 1))));
}

}  // namespace calque::torchscript
