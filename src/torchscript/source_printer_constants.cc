#include "torchscript/source_printer_constants.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/text.h"
#include "torchscript/source_printer_text.h"

namespace calque::torchscript {

namespace {

size_t mix(size_t seed, size_t value) { return (seed ^ value) * 0x9E3779B97F4A7C15ULL + (seed >> 29); }

std::string_view bytes_of(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.raw_data()), static_cast<size_t>(tensor.nbytes())};
}

/// Of kind, shape and the first bytes: enough to keep comparisons rare.
size_t hash_tensor(const Tensor& tensor) {
  if (!tensor.defined()) return 1;
  size_t hash = mix(2, static_cast<size_t>(tensor.dtype()));
  for (const int64_t size : tensor.sizes()) hash = mix(hash, static_cast<size_t>(size));
  if (tensor.numel() == 0 || !tensor.is_contiguous()) return hash;
  constexpr size_t kSample = 256;
  return mix(hash, std::hash<std::string_view>()(bytes_of(tensor).substr(0, kSample)));
}

/// Bit for bit; tensors of other strides only when they are the same tensor.
bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.is_same(b)) return true;
  if (!a.defined() || !b.defined() || a.dtype() != b.dtype() || a.requires_grad() != b.requires_grad())
    return false;
  if (!std::equal(a.sizes().begin(), a.sizes().end(), b.sizes().begin(), b.sizes().end())) return false;
  if (!a.is_contiguous() || !b.is_contiguous()) return false;
  return a.numel() == 0 || std::memcmp(a.raw_data(), b.raw_data(), static_cast<size_t>(a.nbytes())) == 0;
}

size_t hash_constant(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::Tensor:
      return hash_tensor(value.toTensor());
    case IValue::Tag::String:
      return std::hash<std::string>()(value.toStringRef());
    case IValue::Tag::Object:
      return std::hash<const void*>()(value.object_impl());
    default:
      return static_cast<size_t>(value.tag());
  }
}

bool same_constant(const IValue& a, const IValue& b) {
  if (a.tag() != b.tag()) return false;
  if (a.isTensor()) return same_tensor(a.toTensor(), b.toTensor());
  if (a.isComplexDouble()) {
    const std::complex<double> x = a.toComplexDouble();
    const std::complex<double> y = b.toComplexDouble();
    return std::bit_cast<uint64_t>(x.real()) == std::bit_cast<uint64_t>(y.real()) &&
           std::bit_cast<uint64_t>(x.imag()) == std::bit_cast<uint64_t>(y.imag());
  }
  return a.is(b) || (a.isString() && a.toStringRef() == b.toStringRef());
}

class ConstantText {
 public:
  ConstantText(Definitions& definitions, ConstantTable& table) : definitions_(definitions), table_(table) {}

  std::string of(const IValue& value, const Type& type) {
    switch (value.tag()) {
      case IValue::Tag::None:
        return "None";
      case IValue::Tag::Bool:
        return value.toBool() ? "True" : "False";
      case IValue::Tag::Int:
        return type.kind() == TypeKind::Float ? float_text(static_cast<double>(value.toInt()))
                                              : cat(value.toInt());
      case IValue::Tag::Double:
        return float_text(value.toDouble());
      case IValue::Tag::Complex: {
        const auto text = complex_text(value.toComplexDouble());
        return text.has_value() ? *text : in_table(value);
      }
      case IValue::Tag::String:
        return is_ascii(value.toStringRef()) ? string_text(value.toStringRef()) : in_table(value);
      case IValue::Tag::Device:
        return cat("torch.device(", string_text(value.toDevice().str()), ")");
      case IValue::Tag::Enum:
        return cat(definitions_.name(*value.toEnum()->type), ".", value.toEnum()->name);
      case IValue::Tag::Tuple:
        return tuple(*value.tuple_impl(), type);
      case IValue::Tag::List:
        return list(*value.list_impl());
      case IValue::Tag::Dict:
        return dict(*value.dict_impl());
      case IValue::Tag::Object:
        definitions_.name(*value.object_impl()->type);
        return in_table(value);
      case IValue::Tag::Tensor:
        return in_table(value);
      case IValue::Tag::Uninitialized:
        return cat("uninitialized(", definitions_.annotation(type), ")");
      default:
        throw NotImplementedError(cat("a constant of type ", value.type_name(),
                                      " cannot be saved: only values that can be rebuilt from a file can"));
    }
  }

 private:
  std::string in_table(const IValue& value) { return cat("CONSTANTS.c", table_.index_of(value)); }

  std::string tuple(const TupleImpl& tuple, const Type& type) {
    std::string out;
    const Type* named = tuple.type != nullptr ? tuple.type.get() : &type;
    const bool has_name = is_named_type(*named);
    if (has_name) out = definitions_.name(*named);
    out += '(';
    const bool typed = named->kind() == TypeKind::Tuple && named->contained().size() == tuple.items.size();
    for (size_t i = 0; i < tuple.items.size(); ++i) {
      out += cat(i > 0 ? ", " : "", of(tuple.items[i], typed ? *named->contained()[i] : *any_type()));
    }
    return out + (tuple.items.size() == 1 && !has_name ? ",)" : ")");
  }

  std::string list(const ListImpl& list) {
    std::string out = "[";
    for (size_t i = 0; i < list.items.size(); ++i) {
      out += cat(i > 0 ? ", " : "", of(list.items[i], *list.element_type));
    }
    return annotated(*list_type(list.element_type), list.items.empty(), out + "]");
  }

  std::string dict(const DictImpl& dict) {
    std::string out = "{";
    for (size_t i = 0; i < dict.entries.size(); ++i) {
      out += cat(i > 0 ? ", " : "", of(dict.entries[i].first, *dict.key_type), ": ",
                 of(dict.entries[i].second, *dict.value_type));
    }
    return annotated(*dict_type(dict.key_type, dict.value_type), dict.entries.empty(), out + "}");
  }

  std::string annotated(const Type& container, bool empty, std::string text) {
    if (!needs_annotation(container, empty)) return text;
    return cat("annotate(", definitions_.annotation(container), ", ", text, ")");
  }

  Definitions& definitions_;
  ConstantTable& table_;
};

/// Members of such a type may have narrower types, from which the container's could not be told.
bool loose(const Type& type) {
  switch (type.kind()) {
    case TypeKind::Optional:
    case TypeKind::Union:
    case TypeKind::Any:
    case TypeKind::Number:
    case TypeKind::Interface:
      return true;
    case TypeKind::Tuple:
      return std::any_of(type.contained().begin(), type.contained().end(),
                         [](const TypePtr& inner) { return loose(*inner); });
    default:
      return false;
  }
}

}  // namespace

size_t ConstantTable::index_of(const IValue& value) {
  const size_t hash = hash_constant(value);
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (same_constant(values_[it->second], value)) return it->second;
  }
  by_hash_.emplace(hash, values_.size());
  values_.push_back(value);
  return values_.size() - 1;
}

bool needs_annotation(const Type& container, bool empty) {
  return empty || std::any_of(container.contained().begin(), container.contained().end(),
                              [](const TypePtr& member) { return loose(*member); });
}

std::string constant_text(const IValue& value, const Type& type, Definitions& definitions,
                          ConstantTable& table) {
  return ConstantText(definitions, table).of(value, type);
}

}  // namespace calque::torchscript
