// Texts of values: device names and the printed form.
#include <ostream>

#include "base/text.h"
#include "calque/error.h"
#include "calque/ivalue.h"
#include "ir/type.h"
#include "ir/value_walk.h"

namespace calque {

std::string Device::str() const {
  const std::string_view name = [&]() -> std::string_view {
    switch (kind) {
      case Kind::CPU:
        return "cpu";
      case Kind::CUDA:
        return "cuda";
      case Kind::MPS:
        return "mps";
      case Kind::Meta:
        return "meta";
      case Kind::XLA:
        return "xla";
      case Kind::Other:
        return "privateuseone";
    }
    return "cpu";
  }();
  return index >= 0 ? cat(name, ":", static_cast<int>(index)) : std::string(name);
}

Device Device::parse(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  Device device;
  if (name == "cpu") {
    device.kind = Kind::CPU;
  } else if (name == "cuda" || name == "hip") {
    device.kind = Kind::CUDA;
  } else if (name == "mps") {
    device.kind = Kind::MPS;
  } else if (name == "meta") {
    device.kind = Kind::Meta;
  } else if (name == "xla") {
    device.kind = Kind::XLA;
  } else if (name == "xpu" || name == "privateuseone" || name == "hpu" || name == "ipu" || name == "vulkan") {
    device.kind = Kind::Other;
  } else {
    throw ValueError(
        cat("Expected one of cpu, cuda, mps, xla, meta, … device type at start of device string: ",
            quoted(text)));
  }
  if (colon == std::string_view::npos) return device;
  const std::string_view digits = text.substr(colon + 1);
  int index = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9' || index > 12) throw ValueError(cat("Invalid device string: ", quoted(text)));
    index = index * 10 + (c - '0');
  }
  if (digits.empty() || index > 127) throw ValueError(cat("Invalid device string: ", quoted(text)));
  device.index = static_cast<int8_t>(index);
  return device;
}

namespace {

void print_items(std::ostream& out, const std::vector<IValue>& items) {
  const ValueWalk walk;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out << ", ";
    out << items[i];
  }
}

std::string double_text(double value) {
  std::string text = cat(value);
  if (text.find_first_of(".einf") == std::string::npos) text += ".";
  return text;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::None:
      return out << "None";
    case IValue::Tag::Tensor:
      return value.tensor_impl() == nullptr ? out << "None" : out << value.toTensor();
    case IValue::Tag::Double:
      return out << double_text(value.toDouble());
    case IValue::Tag::Int:
      return out << value.toInt();
    case IValue::Tag::Bool:
      return out << (value.toBool() ? "True" : "False");
    case IValue::Tag::Complex:
      return out << value.toComplexDouble().real() << "+" << value.toComplexDouble().imag() << "j";
    case IValue::Tag::String:
      return out << value.toStringRef();
    case IValue::Tag::Device:
      return out << value.toDevice().str();
    case IValue::Tag::Uninitialized:
      return out << "Uninitialized";
    case IValue::Tag::Generator:
      return out << "Generator";
    case IValue::Tag::Future:
      return out << "Future(" << value.toFuture()->value << ")";
    case IValue::Tag::Enum:
      return out << value.toEnum()->type->annotation() << "." << value.toEnum()->name;
    case IValue::Tag::Object:
      return out << "<" << value.object_impl()->type->annotation() << " object>";
    case IValue::Tag::List:
      out << "[";
      print_items(out, value.list_impl()->items);
      return out << "]";
    case IValue::Tag::Tuple:
      out << "(";
      print_items(out, value.tuple_impl()->items);
      return out << (value.tuple_impl()->items.size() == 1 ? ",)" : ")");
    case IValue::Tag::Dict: {
      const ValueWalk walk;
      out << "{";
      bool first = true;
      for (const auto& [key, entry] : value.dict_impl()->entries) {
        out << (first ? "" : ", ") << key << ": " << entry;
        first = false;
      }
      return out << "}";
    }
  }
  return out;
}

}  // namespace calque
