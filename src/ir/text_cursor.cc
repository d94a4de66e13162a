#include "ir/text_cursor.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/text.h"
#include "calque/error.h"

namespace calque {

void TextCursor::fail(std::string_view expected) const {
  const std::string_view before = text_.substr(0, at_);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::string_view rest = text_.substr(at_, text_.find('\n', at_) - at_);
  throw ValueError(cat("graph, line ", static_cast<int64_t>(line), ": expected ", expected, ", found ",
                       rest.empty() ? "the end of the line" : quoted(rest)));
}

void TextCursor::skip_blanks() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
}

bool TextCursor::at_end() {
  skip_blanks();
  return at_ == text_.size();
}

char TextCursor::peek() { return at_end() ? '\0' : text_[at_]; }

bool TextCursor::starts_with(std::string_view word) {
  skip_blanks();
  return text_.substr(at_).starts_with(word);
}

bool TextCursor::take(std::string_view word) {
  if (!starts_with(word)) return false;
  at_ += word.size();
  return true;
}

void TextCursor::expect(std::string_view word) {
  if (!take(word)) fail(cat("'", word, "'"));
}

std::string TextCursor::word(std::string_view more) {
  skip_blanks();
  const size_t start = at_;
  while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                text_[at_] == '_' || more.find(text_[at_]) != std::string_view::npos))
    ++at_;
  if (at_ == start) fail("a name");
  return std::string(text_.substr(start, at_ - start));
}

std::string_view TextCursor::until(std::string_view ends) {
  const size_t start = at_;
  at_ = std::min(text_.find_first_of(ends, at_), text_.size());
  return text_.substr(start, at_ - start);
}

std::string TextCursor::quoted_text() {
  expect("\"");
  std::string out;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] != '\\') {
      out += text_[at_++];
      continue;
    }
    const std::string_view escape = text_.substr(at_, 4);
    int byte = 0;
    if (escape.size() == 4 && escape[1] == 'x' &&
        std::from_chars(escape.data() + 2, escape.data() + 4, byte, 16).ptr == escape.data() + 4) {
      out += static_cast<char>(byte);
      at_ += 4;
    } else {
      if (escape.size() < 2) fail("an escaped character");
      out += escape[1];
      at_ += 2;
    }
  }
  expect("\"");
  return out;
}

int64_t TextCursor::integer() {
  skip_blanks();
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (error != std::errc{}) fail("a whole number");
  at_ = static_cast<size_t>(end - text_.data());
  return value;
}

double TextCursor::real() {
  skip_blanks();
  double value = 0;
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (error != std::errc{}) fail("a number");
  at_ = static_cast<size_t>(end - text_.data());
  return value;
}

}  // namespace calque
