// Writes JSON text, in the order of the calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "formats/json.h"

namespace calque {

struct JsonStyle {
  /// Spaces for each level, as Python's `indent`; 0: one line without spaces.
  int indent = 0;
};

/// Begin and end calls must balance, and each value in an object follows a key(); else an internal error.
/// Text is UTF-8 and stays so; quotes, backslashes and control characters are escaped.
class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style = {}) : style_(style) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void null() { raw("null"); }
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void integer(int64_t value);
  /// The shortest text that reads back as the same number, and not as an integer. Throws ValueError for
  /// infinite values and NaN.
  void real(double value);
  void real(float value);
  void string(std::string_view text);
  void value(const Json& json);

  /// The whole text. The writer is spent.
  std::string finish();

 private:
  void open(char bracket);
  void close(char bracket);
  void raw(std::string_view text);
  void before_value();
  void new_line();
  void quote(std::string_view text);
  template <class T>
  void number(T value);

  JsonStyle style_;
  std::string out_;
  std::string open_;   // the brackets that are not closed yet
  bool first_ = true;  // nothing stands in the innermost bracket yet
  bool after_key_ = false;
};

std::string to_json_text(const Json& json, const JsonStyle& style = {});

}  // namespace calque
