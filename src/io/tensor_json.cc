// Tensors as JSON text: nested lists, with dtype and shape where they are not to be guessed.
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/checked.h"
#include "base/text.h"
#include "calque/io.h"
#include "formats/json.h"
#include "formats/json_writer.h"

namespace calque::io {

namespace {

constexpr size_t kMostDimensions = 64;

/// Shape and kind of a nested list.
struct Survey {
  Dims sizes;
  bool has_bool = false, has_int = false, has_double = false;
};

std::optional<double> named_number(std::string_view text) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

void survey_leaf(const JsonRef& value, Survey& survey) {
  switch (value.json().kind()) {
    case Json::Kind::kBool:
      survey.has_bool = true;
      return;
    case Json::Kind::kInt:
      survey.has_int = true;
      return;
    case Json::Kind::kDouble:
      survey.has_double = true;
      return;
    case Json::Kind::kString:
      if (named_number(value.json().string())) {
        survey.has_double = true;
        return;
      }
      break;
    default:
      break;
  }
  value.fail(
      cat("is a ", json_kind_name(value.json().kind()), "; a number, a boolean or a list is expected"));
}

/// The lengths of the first list, of its first list, and so on.
Dims first_lengths(const JsonRef& value) {
  Dims sizes;
  sizes.reserve(kMostDimensions);
  for (JsonRef at = value; at.is(Json::Kind::kArray); at = at.at(0)) {
    if (sizes.size() == kMostDimensions) at.fail("is nested deeper than any tensor");
    sizes.push_back(static_cast<int64_t>(at.size()));
    if (at.size() == 0) break;
  }
  return sizes;
}

void survey_list(const JsonRef& value, size_t depth, Survey& survey) {
  if (!value.is(Json::Kind::kArray)) {
    if (depth != survey.sizes.size()) value.fail("stands where its neighbours are lists");
    return survey_leaf(value, survey);
  }
  const auto length = static_cast<int64_t>(value.size());
  if (depth >= survey.sizes.size()) value.fail("is a list where its neighbours are numbers");
  if (length != survey.sizes[depth]) {
    value.fail(cat("has ", length, " elements; its neighbours have ", survey.sizes[depth]));
  }
  for (size_t i = 0; i < value.size(); ++i) survey_list(value.at(i), depth + 1, survey);
}

template <class T>
void fill(const Json& value, T*& out) {
  if (value.is(Json::Kind::kArray)) {
    for (const Json& item : value.array()) fill(item, out);
    return;
  }
  switch (value.kind()) {
    case Json::Kind::kBool:
      *out++ = static_cast<T>(value.boolean());
      return;
    case Json::Kind::kInt:
      *out++ = static_cast<T>(value.integer());
      return;
    case Json::Kind::kDouble:
      *out++ = static_cast<T>(value.real());
      return;
    default:
      *out++ = static_cast<T>(named_number(value.string()).value_or(0));
      return;
  }
}

template <class T>
Tensor filled(const Json& value, const Dims& sizes, ScalarType dtype) {
  Tensor tensor = empty(sizes, dtype);
  auto* out = static_cast<T*>(tensor.raw_data());
  fill(value, out);
  return tensor;
}

ScalarType natural_dtype(const Survey& survey, bool scalar) {
  if (survey.has_double) return scalar ? kDouble : kFloat;
  if (survey.has_int) return kLong;
  return survey.has_bool ? kBool : kFloat;
}

Tensor converted(const JsonRef& value, const Survey& survey, ScalarType dtype) {
  if (is_floating_point(dtype)) return filled<double>(value.json(), survey.sizes, kDouble).to(dtype);
  if (survey.has_double)
    value.fail(cat("holds numbers with a fraction; ", dtype_name(dtype), " takes whole ones"));
  const Tensor whole = filled<int64_t>(value.json(), survey.sizes, kLong);
  const Tensor narrow = whole.to(dtype);
  if (!equal(narrow.to(kLong), whole)) value.fail(cat("holds numbers that ", dtype_name(dtype), " cannot"));
  return narrow;
}

Tensor text_tensor(const std::string& text) {
  Tensor bytes = empty({static_cast<int64_t>(text.size())}, kUInt8);
  if (!text.empty()) std::memcpy(bytes.raw_data(), text.data(), text.size());
  return bytes;
}

ScalarType read_dtype(const JsonRef& value) {
  const auto dtype = dtype_from_name(value.as_string());
  if (!dtype || is_complex(*dtype) ||
      (!is_floating_point(*dtype) && !is_integral(*dtype) && *dtype != kBool)) {
    value.fail(cat("is no dtype: ", quoted(value.as_string())));
  }
  return *dtype;
}

Dims read_shape(const JsonRef& value) {
  Dims sizes;
  for (size_t i = 0; i < value.size(); ++i) sizes.push_back(value.at(i).as_int());
  if (sizes.size() > kMostDimensions || !checked_numel(sizes)) value.fail("is no shape of a tensor");
  return sizes;
}

Tensor read_value(const JsonRef& value) {
  if (value.is(Json::Kind::kString) && !named_number(value.json().string()))
    return text_tensor(value.as_string());
  const bool described = value.is(Json::Kind::kObject);
  const JsonRef data = described ? value.get("data") : value;
  Survey survey;
  survey.sizes = first_lengths(data);
  survey_list(data, 0, survey);
  const bool has_dtype = described && value.has("dtype");
  const ScalarType dtype =
      has_dtype ? read_dtype(value.get("dtype")) : natural_dtype(survey, survey.sizes.empty());
  Tensor tensor = converted(data, survey, dtype);
  if (!described || !value.has("shape")) return tensor;
  const Dims sizes = read_shape(value.get("shape"));
  if (*checked_numel(sizes) != tensor.numel()) {
    value.fail(cat("has ", tensor.numel(), " numbers; shape ", IntArrayRef(sizes), " takes ",
                   *checked_numel(sizes)));
  }
  return tensor.reshape(sizes);
}

template <class T>
void write_number(JsonWriter& json, T number) {
  if (std::isnan(number)) return json.string("nan");
  if (std::isinf(number)) return json.string(number > 0 ? "inf" : "-inf");
  json.real(number);
}

void write_element(JsonWriter& json, const Tensor& flat, int64_t index) {
  switch (flat.dtype()) {
    case ScalarType::Bool:
      return json.boolean(static_cast<const bool*>(flat.raw_data())[index]);
    case ScalarType::Float:
      return write_number(json, static_cast<const float*>(flat.raw_data())[index]);
    case ScalarType::Double:
      return write_number(json, static_cast<const double*>(flat.raw_data())[index]);
    default:
      return json.integer(static_cast<const int64_t*>(flat.raw_data())[index]);
  }
}

void write_nested(JsonWriter& json, const Tensor& flat, IntArrayRef sizes, int64_t& index) {
  if (sizes.empty()) return write_element(json, flat, index++);
  json.begin_array();
  for (int64_t i = 0; i < sizes[0]; ++i) write_nested(json, flat, sizes.subspan(1), index);
  json.end_array();
}

/// Contiguous, in a dtype that write_element knows and that holds every value of the tensor.
Tensor widened(const Tensor& tensor) {
  const ScalarType dtype = tensor.dtype();
  if (dtype == kHalf || dtype == kBFloat16) return tensor.to(kFloat).contiguous();
  if (dtype == kBool || dtype == kFloat || dtype == kDouble) return tensor.contiguous();
  return tensor.to(kLong).contiguous();
}

}  // namespace

NamedTensors tensors_from_json(std::string_view text, const std::string& origin) {
  const JsonRef root = parse_json(text, origin, {.max_depth = 256, .refuse_duplicate_keys = true});
  NamedTensors tensors;
  for (const JsonMember& member : root.as_object())
    tensors.emplace_back(member.key, read_value(root.get(member.key)));
  return tensors;
}

std::string tensors_to_json(const NamedTensors& tensors) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, tensor] : tensors) {
    json.key(name);
    json.begin_object();
    json.key("dtype");
    json.string(dtype_name(tensor.dtype()));
    json.key("shape");
    json.begin_array();
    for (const int64_t size : tensor.sizes()) json.integer(size);
    json.end_array();
    json.key("data");
    int64_t index = 0;
    write_nested(json, widened(tensor), tensor.sizes(), index);
    json.end_object();
  }
  json.end_object();
  return json.finish();
}

}  // namespace calque::io
