// Writes JSON text piece by piece; commas and escapes are taken care of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace calque::app {

class JsonText {
 public:
  JsonText& begin_object() { return open('{'); }
  JsonText& end_object() { return close('}'); }
  JsonText& begin_array() { return open('['); }
  JsonText& end_array() { return close(']'); }
  /// The name of the next value, inside an object.
  JsonText& key(std::string_view name);

  JsonText& value(std::string_view text);
  JsonText& value(const char* text) { return value(std::string_view(text)); }
  JsonText& value(const std::string& text) { return value(std::string_view(text)); }
  JsonText& value(int64_t number);
  JsonText& value(double number);  ///< null for infinities and NaN, which JSON lacks
  JsonText& value(bool flag);
  JsonText& null();

  /// key(name) and value(v).
  template <class T>
  JsonText& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  template <class Range>
  JsonText& array(std::string_view name, const Range& values) {
    key(name).begin_array();
    for (const auto& v : values) value(v);
    return end_array();
  }

  const std::string& text() const { return out_; }

 private:
  JsonText& open(char bracket);
  JsonText& close(char bracket);
  void separate();
  void quote(std::string_view text);

  std::string out_;
  bool comma_ = false;
};

}  // namespace calque::app
