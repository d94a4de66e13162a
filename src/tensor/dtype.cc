#include "tensor/dtype.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "tensor/half.h"

namespace calque {

namespace {

struct DtypeFacts {
  std::string_view name;
  std::string_view cpp_name;
  int64_t size;
};

constexpr int kDtypes = 16;
constexpr std::array<DtypeFacts, kDtypes> kFacts = {{
    {"uint8", "Byte", 1},
    {"int8", "Char", 1},
    {"int16", "Short", 2},
    {"int32", "Int", 4},
    {"int64", "Long", 8},
    {"float16", "Half", 2},
    {"float32", "Float", 4},
    {"float64", "Double", 8},
    {"complex32", "ComplexHalf", 4},
    {"complex64", "ComplexFloat", 8},
    {"complex128", "ComplexDouble", 16},
    {"bool", "Bool", 1},
    {"qint8", "QInt8", 1},
    {"quint8", "QUInt8", 1},
    {"qint32", "QInt32", 4},
    {"bfloat16", "BFloat16", 2},
}};

const DtypeFacts& facts(ScalarType dtype) {
  const auto i = static_cast<int>(dtype);
  if (i < 0 || i >= kDtypes) throw TypeError("the dtype number " + std::to_string(i) + " is unknown");
  return kFacts[static_cast<size_t>(i)];
}

ScalarType complex_of(ScalarType a, ScalarType b) {
  const bool wide =
      a == ScalarType::ComplexDouble || b == ScalarType::ComplexDouble || a == kDouble || b == kDouble;
  if (wide) return ScalarType::ComplexDouble;
  const auto narrow = [](ScalarType t) {
    return t != ScalarType::ComplexFloat && t != kFloat && t != kBFloat16;
  };
  return narrow(a) && narrow(b) ? ScalarType::ComplexHalf : ScalarType::ComplexFloat;
}

ScalarType promote_integral(ScalarType a, ScalarType b) {
  if (a != kByte && b != kByte) return std::max(a, b);
  const ScalarType other = a == kByte ? b : a;
  return other == kChar ? kShort : other;
}

}  // namespace

std::string_view dtype_name(ScalarType dtype) { return facts(dtype).name; }

std::string_view dtype_cpp_name(ScalarType dtype) { return facts(dtype).cpp_name; }

std::optional<ScalarType> dtype_from_name(std::string_view name) {
  if (name.starts_with("torch.")) name.remove_prefix(6);
  for (size_t i = 0; i < kFacts.size(); ++i) {
    if (kFacts[i].name == name) return static_cast<ScalarType>(i);
  }
  if (name == "float") return kFloat;
  if (name == "double") return kDouble;
  if (name == "half") return kHalf;
  if (name == "int") return kInt;
  if (name == "long") return kLong;
  if (name == "short") return kShort;
  return std::nullopt;
}

int64_t item_size(ScalarType dtype) { return facts(dtype).size; }

bool is_floating_point(ScalarType dtype) {
  return dtype == kFloat || dtype == kDouble || dtype == kHalf || dtype == kBFloat16;
}

bool is_complex(ScalarType dtype) {
  return dtype == ScalarType::ComplexHalf || dtype == ScalarType::ComplexFloat ||
         dtype == ScalarType::ComplexDouble;
}

bool is_integral(ScalarType dtype) {
  return dtype == kByte || dtype == kChar || dtype == kShort || dtype == kInt || dtype == kLong;
}

ScalarType promote_types(ScalarType a, ScalarType b) {
  if (a == b) return a;
  const auto plain = [](ScalarType t) {
    return t == kBool || is_integral(t) || is_floating_point(t) || is_complex(t);
  };
  if (!plain(a) || !plain(b)) {
    throw TypeError(
        "promoteTypes with quantized numbers is not handled yet; figure out what the correct rules should "
        "be, offending types: " +
        std::string(dtype_cpp_name(a)) + " " + std::string(dtype_cpp_name(b)));
  }
  if (is_complex(a) || is_complex(b)) return complex_of(a, b);
  if (is_floating_point(a) != is_floating_point(b)) return is_floating_point(a) ? a : b;
  if (is_floating_point(a)) {
    if (a == kDouble || b == kDouble) return kDouble;
    return kFloat;
  }
  if (a == kBool) return b;
  if (b == kBool) return a;
  return promote_integral(a, b);
}

Half::Half(float value) : bits(float_to_half(value)) {}
Half::operator float() const { return half_to_float(bits); }
BFloat16::BFloat16(float value) : bits(float_to_bfloat16(value)) {}
BFloat16::operator float() const { return bfloat16_to_float(bits); }

int64_t Scalar::to_int() const {
  if (kind_ != Kind::Double) return int_;
  if (std::isnan(double_)) return 0;
  if (double_ >= 0x1p63) return std::numeric_limits<int64_t>::max();
  if (double_ < -0x1p63) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(double_);
}

}  // namespace calque
