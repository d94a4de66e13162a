// JSON: an immutable tree, and a cursor into it whose errors name the file and the key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace calque {

struct JsonMember;

/// One JSON value.
class Json {
 public:
  enum class Kind : uint8_t { kNull, kBool, kInt, kDouble, kString, kArray, kObject };
  using Array = std::vector<Json>;
  using Object = std::vector<JsonMember>;

  // Defined where JsonMember is complete.
  Json();
  explicit Json(bool value);
  explicit Json(int64_t value);
  explicit Json(double value);
  explicit Json(std::string value);
  explicit Json(Array value);
  explicit Json(Object value);
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();

  Kind kind() const { return static_cast<Kind>(value_.index()); }
  bool is(Kind wanted) const { return kind() == wanted; }
  bool is_null() const { return is(Kind::kNull); }

  /// The caller has checked kind(); asking for another kind is an internal error.
  bool boolean() const;
  int64_t integer() const;
  /// Of a kDouble or a kInt.
  double real() const;
  const std::string& string() const;
  const Array& array() const;
  /// Members in the order of the text, keys as often as they occur there.
  const Object& object() const;

  /// The member of that name, the last one when there are several (as in Python); nullptr when there is none
  /// or this is no object. Looks at each member: to go through a large object use object().
  const Json* find(std::string_view key) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

struct JsonMember {
  std::string key;
  Json value;
};

/// "null", "bool", "integer", "number", "string", "array", "object": for messages.
std::string_view json_kind_name(Json::Kind kind);

struct JsonOptions {
  /// Levels of arrays and objects.
  uint32_t max_depth = 256;
  /// True: an object with the same key twice is an error. False: the last counts, as in Python.
  bool refuse_duplicate_keys = false;
};

/// A value in a document together with its place, so that errors can name both. Keeps the document alive.
///
/// Getters throw LoadError, for example
/// `"config.json": "text_config.hidden_size" is a string ("768"); an integer is expected.`
class JsonRef {
 public:
  struct Document {
    Json root;
    std::string label;
  };
  JsonRef(std::shared_ptr<const Document> document, const Json* value, std::string path)
      : document_(std::move(document)), value_(value), path_(std::move(path)) {}

  const Json& json() const { return *value_; }
  /// `a.b[3].c`; empty for the root.
  const std::string& path() const { return path_; }
  const std::string& label() const { return document_->label; }
  const std::shared_ptr<const Document>& document() const { return document_; }

  bool is(Json::Kind kind) const { return value_->is(kind); }
  /// True when there is such a member and it is not null.
  bool has(std::string_view key) const;
  /// Throws when there is no such member.
  JsonRef get(std::string_view key) const;
  /// nullopt when there is no such member or it is null.
  std::optional<JsonRef> find(std::string_view key) const;
  /// Elements of an array; throws when this is none.
  size_t size() const;
  JsonRef at(size_t index) const;

  bool as_bool() const;
  int64_t as_int() const;
  /// An integer counts as a number.
  double as_double() const;
  const std::string& as_string() const;
  const Json::Array& as_array() const;
  const Json::Object& as_object() const;

  bool get_bool(std::string_view key) const { return get(key).as_bool(); }
  int64_t get_int(std::string_view key) const { return get(key).as_int(); }
  double get_double(std::string_view key) const { return get(key).as_double(); }
  std::string get_string(std::string_view key) const { return get(key).as_string(); }

  /// The fallback when there is no such member or it is null; a member of another type is an error.
  bool get_bool_or(std::string_view key, bool fallback) const;
  int64_t get_int_or(std::string_view key, int64_t fallback) const;
  double get_double_or(std::string_view key, double fallback) const;
  std::string get_string_or(std::string_view key, std::string_view fallback) const;

  /// Throws LoadError: `"file": "path" <what>`.
  [[noreturn]] void fail(std::string_view what) const;

 private:
  const Json& expect(Json::Kind kind) const;

  std::shared_ptr<const Document> document_;
  const Json* value_;
  std::string path_;
};

/// Parses UTF-8 text, with or without a byte order mark. Integers outside of int64 become doubles, as
/// `1000000000000000019884624838656` (model_max_length) must. NaN and Infinity are refused.
/// Throws LoadError with line and column; `label` names the file.
JsonRef parse_json(std::string_view text, std::string label, const JsonOptions& options = {});

/// Reads and parses a file.
JsonRef read_json(const std::string& path, const JsonOptions& options = {});

}  // namespace calque
