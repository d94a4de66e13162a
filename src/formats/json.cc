#include "formats/json.h"

#include <source_location>

#include "base/check.h"
#include "base/text.h"
#include "calque/error.h"

namespace calque {

Json::Json() = default;
Json::Json(bool value) : value_(value) {}
Json::Json(int64_t value) : value_(value) {}
Json::Json(double value) : value_(value) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(Array value) : value_(std::move(value)) {}
Json::Json(Object value) : value_(std::move(value)) {}
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

std::string_view json_kind_name(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
      return "bool";
    case Json::Kind::kInt:
      return "integer";
    case Json::Kind::kDouble:
      return "number";
    case Json::Kind::kString:
      return "string";
    case Json::Kind::kArray:
      return "array";
    case Json::Kind::kObject:
      return "object";
  }
  return "unknown";
}

namespace {

/// The held T; an internal error when it holds something else.
template <class T, class Variant>
const T& held(const Variant& value) {
  const T* found = std::get_if<T>(&value);
  if (found == nullptr) {
    check_failed("a JSON value of another kind was asked for", std::source_location::current());
  }
  return *found;
}

/// `value` as it may appear in a message.
std::string shown(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
      return value.boolean() ? "true" : "false";
    case Json::Kind::kInt:
      return cat(value.integer());
    case Json::Kind::kDouble:
      return cat(value.real());
    case Json::Kind::kString:
      return quoted(value.string());
    case Json::Kind::kArray:
      return cat("of ", value.array().size(), " elements");
    case Json::Kind::kObject:
      return cat("of ", value.object().size(), " members");
  }
  return "";
}

}  // namespace

bool Json::boolean() const { return held<bool>(value_); }
int64_t Json::integer() const { return held<int64_t>(value_); }
const std::string& Json::string() const { return held<std::string>(value_); }
const Json::Array& Json::array() const { return held<Array>(value_); }
const Json::Object& Json::object() const { return held<Object>(value_); }

double Json::real() const { return is(Kind::kInt) ? static_cast<double>(integer()) : held<double>(value_); }

const Json* Json::find(std::string_view key) const {
  if (!is(Kind::kObject)) return nullptr;
  const Object& members = object();
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->key == key) return &member->value;
  }
  return nullptr;
}

void JsonRef::fail(std::string_view what) const {
  throw LoadError(
      cat(quoted(label(), 1024), ": ", path_.empty() ? "the whole document" : quoted(path_), " ", what));
}

const Json& JsonRef::expect(Json::Kind kind) const {
  if (!is(kind)) {
    fail(cat("is of type ", json_kind_name(value_->kind()), " (", shown(*value_), "); expected is ",
             json_kind_name(kind), "."));
  }
  return *value_;
}

bool JsonRef::has(std::string_view key) const {
  const Json* member = value_->find(key);
  return member != nullptr && !member->is_null();
}

JsonRef JsonRef::get(std::string_view key) const {
  expect(Json::Kind::kObject);
  std::string path = path_.empty() ? std::string(key) : cat(path_, ".", key);
  const Json* member = value_->find(key);
  if (member == nullptr) JsonRef(document_, value_, std::move(path)).fail("is missing, and is needed.");
  return {document_, member, std::move(path)};
}

std::optional<JsonRef> JsonRef::find(std::string_view key) const {
  expect(Json::Kind::kObject);
  if (!has(key)) return std::nullopt;
  return get(key);
}

size_t JsonRef::size() const { return as_array().size(); }

JsonRef JsonRef::at(size_t index) const {
  const Json::Array& elements = as_array();
  if (index >= elements.size()) {
    fail(cat("has ", elements.size(), " elements; one more than ", index, " are needed."));
  }
  return {document_, &elements[index], cat(path_, "[", index, "]")};
}

bool JsonRef::as_bool() const { return expect(Json::Kind::kBool).boolean(); }
int64_t JsonRef::as_int() const { return expect(Json::Kind::kInt).integer(); }

double JsonRef::as_double() const {
  return is(Json::Kind::kInt) ? value_->real() : expect(Json::Kind::kDouble).real();
}

const std::string& JsonRef::as_string() const { return expect(Json::Kind::kString).string(); }
const Json::Array& JsonRef::as_array() const { return expect(Json::Kind::kArray).array(); }
const Json::Object& JsonRef::as_object() const { return expect(Json::Kind::kObject).object(); }

bool JsonRef::get_bool_or(std::string_view key, bool fallback) const {
  const auto member = find(key);
  return member ? member->as_bool() : fallback;
}

int64_t JsonRef::get_int_or(std::string_view key, int64_t fallback) const {
  const auto member = find(key);
  return member ? member->as_int() : fallback;
}

double JsonRef::get_double_or(std::string_view key, double fallback) const {
  const auto member = find(key);
  return member ? member->as_double() : fallback;
}

std::string JsonRef::get_string_or(std::string_view key, std::string_view fallback) const {
  const auto member = find(key);
  return member ? member->as_string() : std::string(fallback);
}

}  // namespace calque
