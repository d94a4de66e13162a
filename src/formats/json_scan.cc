#include "formats/json_scan.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace calque {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool fits_int64(std::string_view digits) {
  int64_t value = 0;
  return std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc();
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  JsonScan run() {
    State state = State::kValue;
    while (!scan_.mistake) {
      skip_space();
      if (state == State::kAfterValue && open_.empty()) {
        if (at_ != text_.size()) mistake("there is more text after the value");
        break;
      }
      if (at_ == text_.size()) {
        mistake("the text ends too early");
        break;
      }
      state = step(state);
    }
    return std::move(scan_);
  }

 private:
  enum class State : uint8_t { kValue, kFirstElement, kKey, kFirstKey, kColon, kAfterValue };

  void mistake(std::string what) { scan_.mistake = JsonScan::Mistake{at_, std::move(what)}; }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }

  State step(State state) {
    const char c = peek();
    switch (state) {
      case State::kFirstElement:
        if (c == ']') return close();
        return value();
      case State::kValue:
        return value();
      case State::kFirstKey:
        if (c == '}') return close();
        return key();
      case State::kKey:
        return key();
      case State::kColon:
        if (c != ':') mistake("a ':' is expected after a key");
        ++at_;
        return State::kValue;
      case State::kAfterValue:
        return after_value();
    }
    return state;
  }

  State close() {
    ++at_;
    open_.pop_back();
    return State::kAfterValue;
  }

  State key() {
    if (peek() != '"') {
      mistake(peek() == '}' ? "there is a ',' before '}'" : "a key in double quotes is expected");
      return State::kKey;
    }
    string();
    return State::kColon;
  }

  State after_value() {
    const bool in_object = open_.back() == '{';
    const char c = peek();
    if (c == (in_object ? '}' : ']')) return close();
    if (c != ',') mistake(in_object ? "a ',' or '}' is expected" : "a ',' or ']' is expected");
    ++at_;
    return in_object ? State::kKey : State::kValue;
  }

  State value() {
    const char c = peek();
    if (c == '{' || c == '[') {
      open_ += c;
      ++at_;
      return c == '{' ? State::kFirstKey : State::kFirstElement;
    }
    if (c == '"') {
      string();
    } else if (c == '-' || is_digit(c)) {
      number();
    } else {
      word();
    }
    return State::kAfterValue;
  }

  void word() {
    for (const std::string_view good : {"true", "false", "null"}) {
      if (text_.substr(at_).starts_with(good)) {
        at_ += good.size();
        return;
      }
    }
    for (const std::string_view bad : {"NaN", "Infinity"}) {
      if (text_.substr(at_).starts_with(bad))
        return mistake(cat(bad, " is not JSON; replace it by a number or null"));
    }
    mistake(peek() == ']' ? "there is a ',' before ']'" : "a value is expected");
  }

  void digits() {
    if (!is_digit(peek())) return mistake("a digit is expected");
    while (is_digit(peek())) ++at_;
  }

  void number() {
    const size_t sign = at_;
    if (peek() == '-') ++at_;
    if (text_.substr(at_).starts_with("Infinity"))
      return mistake("-Infinity is not JSON; replace it by a number or null");
    const size_t start = at_;
    digits();
    if (at_ - start > 1 && text_[start] == '0') return mistake("a number begins with 0");
    const bool integer = peek() != '.' && peek() != 'e' && peek() != 'E';
    if (integer && !fits_int64(text_.substr(sign, at_ - sign))) scan_.long_integers.push_back(at_);
    if (peek() == '.') {
      ++at_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      digits();
    }
  }

  void string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return;
      }
      if (static_cast<unsigned char>(c) < 0x20)
        return mistake("a control character stands in a string; write it as \\u00XX");
      if (c == '\\' && !escape()) return;
    }
    mistake("a string does not end");
  }

  /// at_ stands on the backslash; moves it to the escape's last character.
  bool escape() {
    ++at_;
    if (peek() == 'u') {
      for (int i = 0; i < 4; ++i) {
        ++at_;
        const char c = peek();
        if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) {
          mistake("four hexadecimal digits are expected after \\u");
          return false;
        }
      }
      return true;
    }
    if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) {
      mistake("there is no such escape in a string");
      return false;
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string open_;  // the '{' and '[' that are not closed yet
  JsonScan scan_;
};

}  // namespace

JsonScan scan_json(std::string_view text) { return Scanner(text).run(); }

std::string json_position(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return cat("line ", line, ", column ", before.size() - start + 1);
}

}  // namespace calque
