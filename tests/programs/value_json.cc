#include "programs/value_json.h"

#include <array>
#include <cstdio>

#include "base/text.h"
#include "calque/tensor.h"
#include "tensor/dtype.h"

namespace calque::programs_test {

namespace {

std::string printed(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

std::string float_json(double value) { return cat("{\"f\": \"", printed("%a", value), "\"}"); }

std::string items_json(const std::vector<IValue>& items) {
  std::string out = "[";
  for (const IValue& item : items) out += cat(out.size() > 1 ? ", " : "", value_json(item));
  return out + "]";
}

std::string tensor_json(const Tensor& tensor) {
  std::string shape;
  for (const int64_t size : tensor.sizes()) shape += cat(shape.empty() ? "" : ", ", size);
  const Tensor whole = tensor.to(kDouble).contiguous();
  std::string values;
  for (int64_t i = 0; i < whole.numel(); ++i) {
    values += cat(i > 0 ? ", " : "", "\"", printed("%a", whole.data_ptr<double>()[i]), "\"");
  }
  return cat("{\"T\": [\"", dtype_name(tensor.dtype()), "\", [", shape, "], [", values, "]]}");
}

}  // namespace

std::string string_json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(c));
      out += buffer.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string value_json(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::None:
      return "null";
    case IValue::Tag::Bool:
      return value.toBool() ? "true" : "false";
    case IValue::Tag::Int:
      return cat(value.toInt());
    case IValue::Tag::Double:
      return float_json(value.toDouble());
    case IValue::Tag::String:
      return string_json(value.toStringRef());
    case IValue::Tag::Tensor:
      return tensor_json(value.toTensor());
    case IValue::Tag::List:
      return items_json(value.list_impl()->items);
    case IValue::Tag::Tuple:
      return cat("{\"t\": ", items_json(value.tuple_impl()->items), "}");
    case IValue::Tag::Enum:
      return cat("{\"e\": ", string_json(value.toEnum()->name), "}");
    case IValue::Tag::Object:
      return cat("{\"o\": ", items_json(value.object_impl()->slots), "}");
    case IValue::Tag::Dict: {
      std::string out;
      for (const auto& [key, item] : value.dict_impl()->entries) {
        out += cat(out.empty() ? "" : ", ", "[", value_json(key), ", ", value_json(item), "]");
      }
      return cat("{\"d\": [", out, "]}");
    }
    default:
      return cat("{\"?\": ", string_json(value.type_name()), "}");
  }
}

}  // namespace calque::programs_test
