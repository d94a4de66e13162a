#include "formats/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque {

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  check(open_.empty() ? out_.empty() : open_.back() == '[', "a JSON value without its key or after the end");
  if (open_.empty()) return;
  if (!first_) out_ += ',';
  new_line();
  first_ = false;
}

void JsonWriter::new_line() {
  if (style_.indent <= 0) return;
  out_ += '\n';
  out_.append(open_.size() * static_cast<size_t>(style_.indent), ' ');
}

void JsonWriter::open(char bracket) {
  before_value();
  out_ += bracket;
  open_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  check(!open_.empty() && open_.back() == (bracket == '}' ? '{' : '[') && !after_key_, "unbalanced JSON");
  open_.pop_back();
  if (!first_) new_line();
  out_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  check(!open_.empty() && open_.back() == '{' && !after_key_, "a JSON key outside of an object");
  if (!first_) out_ += ',';
  new_line();
  first_ = false;
  quote(name);
  out_ += style_.indent > 0 ? ": " : ":";
  after_key_ = true;
}

void JsonWriter::raw(std::string_view text) {
  before_value();
  out_ += text;
}

template <class T>
void JsonWriter::number(T value) {
  std::array<char, 40> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  raw(text);
  if (std::is_floating_point_v<T> && text.find_first_of(".e") == std::string_view::npos) out_ += ".0";
}

void JsonWriter::integer(int64_t value) { number(value); }

void JsonWriter::real(double value) {
  if (!std::isfinite(value)) throw ValueError(cat("JSON has no way to write the number ", value));
  number(value);
}

void JsonWriter::real(float value) {
  if (!std::isfinite(value)) throw ValueError(cat("JSON has no way to write the number ", value));
  number(value);
}

void JsonWriter::string(std::string_view text) {
  before_value();
  quote(text);
}

void JsonWriter::quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  static constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  static constexpr std::string_view kShortNames = "\"\\bfnrt";
  out_ += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const size_t known = kShort.find(c); known != std::string_view::npos) {
      out_ += '\\';
      out_ += kShortNames[known];
    } else if (byte < 0x20) {
      out_ += "\\u00";
      out_ += kHex[byte >> 4];
      out_ += kHex[byte & 15];
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

void JsonWriter::value(const Json& json) {
  switch (json.kind()) {
    case Json::Kind::kNull:
      return null();
    case Json::Kind::kBool:
      return boolean(json.boolean());
    case Json::Kind::kInt:
      return integer(json.integer());
    case Json::Kind::kDouble:
      return real(json.real());
    case Json::Kind::kString:
      return string(json.string());
    case Json::Kind::kArray:
      begin_array();
      for (const Json& element : json.array()) value(element);
      return end_array();
    case Json::Kind::kObject:
      begin_object();
      for (const JsonMember& member : json.object()) {
        key(member.key);
        value(member.value);
      }
      return end_object();
  }
}

std::string JsonWriter::finish() {
  check(open_.empty() && !out_.empty(), "unfinished JSON");
  return std::move(out_);
}

std::string to_json_text(const Json& json, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.value(json);
  return writer.finish();
}

}  // namespace calque
