#include <simdjson.h>

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/json.h"
#include "formats/json_scan.h"
#include "formats/sniff.h"

namespace calque {

namespace {

namespace dom = simdjson::dom;

class Converter {
 public:
  Converter(const std::string& label, const JsonOptions& options) : label_(label), options_(options) {}

  Json convert(dom::element element) const {
    switch (element.type()) {
      case dom::element_type::NULL_VALUE:
        return Json();
      case dom::element_type::BOOL:
        return Json(element.get_bool().value_unsafe());
      case dom::element_type::INT64:
        return Json(element.get_int64().value_unsafe());
      case dom::element_type::UINT64:
        return Json(static_cast<double>(element.get_uint64().value_unsafe()));
      case dom::element_type::DOUBLE:
        return Json(element.get_double().value_unsafe());
      case dom::element_type::STRING:
        return Json(std::string(element.get_string().value_unsafe()));
      case dom::element_type::ARRAY:
        return Json(array(element.get_array().value_unsafe()));
      case dom::element_type::OBJECT:
        return Json(object(element.get_object().value_unsafe()));
    }
    return Json();
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw LoadError(cat(quoted(label_, 1024), " is not usable JSON: ", what));
  }

  Json::Array array(dom::array elements) const {
    Json::Array out;
    out.reserve(elements.size());
    for (const dom::element element : elements) out.push_back(convert(element));
    return out;
  }

  Json::Object object(dom::object members) const {
    Json::Object out;
    out.reserve(members.size());
    for (const dom::key_value_pair member : members) {
      out.push_back({std::string(member.key), convert(member.value)});
    }
    if (options_.refuse_duplicate_keys) refuse_duplicates(out);
    return out;
  }

  void refuse_duplicates(const Json::Object& members) const {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const JsonMember& member : members) keys.push_back(member.key);
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) fail(cat("the key ", quoted(*twice), " occurs twice in one object."));
  }

  const std::string& label_;
  const JsonOptions& options_;
};

/// `text` with its long integers written as floating-point numbers.
std::string with_floats(std::string_view text, const std::vector<size_t>& long_integers) {
  std::string out;
  out.reserve(text.size() + 2 * long_integers.size());
  size_t start = 0;
  for (const size_t end : long_integers) {
    out += text.substr(start, end - start);
    out += "e0";
    start = end;
  }
  return out += text.substr(start);
}

[[noreturn]] void fail_parse(std::string_view text, const std::string& label, const JsonOptions& options,
                             simdjson::error_code error, const JsonScan& scan) {
  std::string what;
  if (error == simdjson::DEPTH_ERROR) {
    what = cat("arrays and objects are nested more than ", options.max_depth, " deep.");
  } else if (error == simdjson::UTF8_ERROR) {
    what = "it is not UTF-8 text. Save it as UTF-8.";
  } else if (scan.mistake) {
    what = cat(json_position(text, scan.mistake->offset), ": ", scan.mistake->what, ".");
  } else if (error == simdjson::STRING_ERROR) {
    what = "a string holds half of a surrogate pair (\\uD800 to \\uDFFF).";
  } else {
    what = simdjson::error_message(error);
  }
  const FileKind kind = sniff(as_bytes(text));
  if (kind != FileKind::kJson && kind != FileKind::kUnknown) what += cat(" ", describe(kind));
  throw LoadError(cat(quoted(label, 1024), " is not usable JSON: ", what));
}

/// Takes integers of any length: those that do not fit are parsed in a second attempt as doubles.
dom::element parse(dom::parser& parser, std::string_view text, const std::string& label,
                   const JsonOptions& options) {
  dom::element root;
  simdjson::error_code error = parser.allocate(text.size(), options.max_depth);
  if (!error) error = parser.parse(text.data(), text.size(), true).get(root);
  if (!error) return root;
  const JsonScan scan = scan_json(text);
  if (error == simdjson::NUMBER_ERROR && !scan.mistake && !scan.long_integers.empty()) {
    const std::string floats = with_floats(text, scan.long_integers);
    if (!parser.parse(floats.data(), floats.size(), true).get(root)) return root;
  }
  fail_parse(text, label, options, error, scan);
}

}  // namespace

JsonRef parse_json(std::string_view text, std::string label, const JsonOptions& options) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  dom::parser parser;
  const dom::element root = parse(parser, text, label, options);
  Json json = Converter(label, options).convert(root);
  auto document =
      std::make_shared<const JsonRef::Document>(JsonRef::Document{std::move(json), std::move(label)});
  const Json* value = &document->root;
  return {std::move(document), value, ""};
}

JsonRef read_json(const std::string& path, const JsonOptions& options) {
  const auto file = MappedFile::open(path);
  return parse_json(file->text(), path, options);
}

}  // namespace calque
