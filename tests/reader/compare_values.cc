#include "reader/compare_values.h"

#include <cmath>

#include "base/text.h"

namespace calque::reader_test {

namespace {

bool close(double a, double b, const Tolerance& tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::abs(a - b) <= tolerance.absolute + tolerance.relative * std::abs(b);
}

class Comparison {
 public:
  explicit Comparison(const Tolerance& tolerance) : tolerance_(tolerance) {}

  std::string values(const IValue& a, const IValue& b, const std::string& path) const {
    if (a.tag() != b.tag()) return cat(path, ": found ", a.type_name(), ", expected ", b.type_name());
    switch (a.tag()) {
      case IValue::Tag::Tensor:
        return tensors(a.toTensor(), b.toTensor(), path);
      case IValue::Tag::Double:
        if (close(a.toDouble(), b.toDouble(), tolerance_)) return "";
        return cat(path, ": found ", a.toDouble(), ", expected ", b.toDouble());
      case IValue::Tag::Tuple:
        return lists(a.tuple_impl()->items, b.tuple_impl()->items, path);
      case IValue::Tag::List:
        return lists(a.list_impl()->items, b.list_impl()->items, path);
      case IValue::Tag::Dict:
        return dicts(*a.dict_impl(), *b.dict_impl(), path);
      case IValue::Tag::Enum:
        return a.toEnum()->name == b.toEnum()->name ? "" : cat(path, ": another member");
      case IValue::Tag::Object:
        return lists(a.object_impl()->slots, b.object_impl()->slots, path);
      default:
        return a == b ? "" : cat(path, ": another ", a.type_name());
    }
  }

 private:
  std::string tensors(const Tensor& a, const Tensor& b, const std::string& path) const {
    if (a.dtype() != b.dtype())
      return cat(path, ": found ", dtype_name(a.dtype()), ", expected ", dtype_name(b.dtype()));
    const Dims found(a.sizes().begin(), a.sizes().end());
    const Dims expected(b.sizes().begin(), b.sizes().end());
    if (found != expected) return cat(path, ": found shape ", a.sizes(), ", expected ", b.sizes());
    const Tensor x = a.to(kDouble).contiguous();
    const Tensor y = b.to(kDouble).contiguous();
    const auto* p = x.data_ptr<double>();
    const auto* q = y.data_ptr<double>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      if (!close(p[i], q[i], tolerance_))
        return cat(path, ": element ", i, ": found ", p[i], ", expected ", q[i]);
    }
    return "";
  }

  std::string lists(const std::vector<IValue>& a, const std::vector<IValue>& b,
                    const std::string& path) const {
    if (a.size() != b.size()) return cat(path, ": found ", a.size(), " items, expected ", b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      std::string found = values(a[i], b[i], cat(path, "[", i, "]"));
      if (!found.empty()) return found;
    }
    return "";
  }

  std::string dicts(const DictImpl& a, const DictImpl& b, const std::string& path) const {
    if (a.entries.size() != b.entries.size()) return cat(path, ": another number of entries");
    for (size_t i = 0; i < a.entries.size(); ++i) {
      std::string found = values(a.entries[i].first, b.entries[i].first, cat(path, ".key", i));
      if (found.empty()) found = values(a.entries[i].second, b.entries[i].second, cat(path, ".value", i));
      if (!found.empty()) return found;
    }
    return "";
  }

  const Tolerance& tolerance_;
};

}  // namespace

std::string difference(const IValue& found, const IValue& expected, const Tolerance& tolerance) {
  return Comparison(tolerance).values(found, expected, "result");
}

}  // namespace calque::reader_test
