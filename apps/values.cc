#include "values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "calque/error.h"

namespace calque::app {

namespace {

/// Takes tensors by name and remembers which were taken.
class Supply {
 public:
  explicit Supply(const io::NamedTensors& tensors) {
    for (const auto& [name, tensor] : tensors) by_name_.emplace(name, tensor);
  }

  bool has(const std::string& name) const { return by_name_.contains(name); }
  /// A tensor called `name`, or one below it: `name.0`, `name.KEY`.
  bool has_any(const std::string& name) const { return has(name) || !below(name).empty(); }

  Tensor take(const std::string& name) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) throw ValueError(fmt::format("no tensor is called '{}'", name));
    taken_.insert(name);
    return found->second;
  }

  /// The parts `x` of names `name.x` and `name.x.…`, each once: numbers in their order, then others.
  std::vector<std::string> below(const std::string& name) const {
    std::set<std::pair<size_t, std::string>> parts;
    for (const auto& [key, tensor] : by_name_) {
      if (!key.starts_with(name + ".")) continue;
      const std::string part = key.substr(name.size() + 1, key.find('.', name.size() + 1) - name.size() - 1);
      parts.emplace(part.size(), part);
    }
    std::vector<std::string> out;
    for (const auto& [length, part] : parts) out.push_back(part);
    return out;
  }

  std::vector<std::string> all() const {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : by_name_) names.push_back(name);
    return names;
  }
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : by_name_) {
      if (!taken_.contains(name)) names.push_back(name);
    }
    return names;
  }

 private:
  std::map<std::string, Tensor> by_name_;
  std::set<std::string> taken_;
};

std::string text_of(const Tensor& tensor) {
  const Tensor bytes = tensor.contiguous();
  return {static_cast<const char*>(bytes.raw_data()), static_cast<size_t>(bytes.numel() * bytes.itemsize())};
}

IValue build(const std::string& type, const std::string& name, Supply& supply);

IValue build_list(const std::string& element, const std::string& name, Supply& supply) {
  if (supply.has(name)) {
    const Tensor tensor = supply.take(name);
    if (element == "int") {
      std::vector<int64_t> values;
      for (int64_t i = 0; i < tensor.numel(); ++i) values.push_back(tensor[i].item().to_int());
      return values;
    }
    if (element == "float") {
      std::vector<double> values;
      for (int64_t i = 0; i < tensor.numel(); ++i) values.push_back(tensor[i].item().to_double());
      return values;
    }
  }
  if (element != "Tensor") {
    throw NotImplementedError(
        fmt::format("argument '{}' is a list of {}: only lists of Tensor, int and float can be "
                    "given in a file",
                    name, element));
  }
  std::vector<Tensor> tensors;
  for (const std::string& part : supply.below(name)) tensors.push_back(supply.take(name + "." + part));
  return tensors;
}

IValue build_tuple(const std::string& elements, const std::string& name, Supply& supply) {
  std::vector<IValue> items;
  for (const std::string& type : split_outside_brackets(elements, ',')) {
    items.push_back(build(type, fmt::format("{}.{}", name, items.size()), supply));
  }
  return IValue::tuple(std::move(items));
}

/// For types that leave the kind open: a text for bytes, a number for one element without dimensions, else
/// the tensor.
IValue natural(const Tensor& tensor) {
  if (tensor.dtype() == kUInt8 && tensor.dim() == 1) return text_of(tensor);
  if (tensor.dim() > 0) return tensor;
  return tensor.item();
}

IValue build(const std::string& type, const std::string& name, Supply& supply) {
  if (type.ends_with('?')) {
    if (!supply.has_any(name)) return {};
    return build(type.substr(0, type.size() - 1), name, supply);
  }
  if (type.ends_with("[]")) return build_list(type.substr(0, type.size() - 2), name, supply);
  if (type.starts_with('(')) return build_tuple(type.substr(1, type.size() - 2), name, supply);
  if (type == "Tensor") return supply.take(name);
  if (type == "Any" || type.starts_with("Union")) return natural(supply.take(name));
  if (type == "int") return supply.take(name).item().to_int();
  if (type == "float") return supply.take(name).item().to_double();
  if (type == "bool") return supply.take(name).item().to_bool();
  if (type == "number" || type == "Scalar") return supply.take(name).item();
  if (type == "str") return text_of(supply.take(name));
  throw NotImplementedError(
      fmt::format("argument '{}' is a {}, which cannot be given in a file", name, type));
}

std::string expected_text(const Signature& signature) {
  std::string out;
  for (const Parameter& parameter : signature.parameters) {
    out += fmt::format("{}{} {}{}", out.empty() ? "" : ", ", parameter.type, parameter.name,
                       parameter.has_default ? " (optional)" : "");
  }
  return out.empty() ? "nothing" : out;
}

/// Takes a result apart, depth first.
class Flattening {
 public:
  void add(const IValue& value, const std::string& path) {
    check_end(path);
    if (value.isTensor()) return output(value.toTensor(), path);
    if (value.isString()) return output(bytes_of(value.toStringRef()), path);
    if (value.isScalar()) {
      return output(value.isDouble() ? full({}, value.toScalar(), kDouble) : tensor(value.toScalar()), path);
    }
    if (value.isTuple()) {
      add_all(value.toTuple()->items, path);
    } else if (value.isList()) {
      add_all(value.toListVector(), path);
    } else if (value.isGenericDict()) {
      std::map<std::string, IValue> sorted;
      for (const auto& [key, item] : value.toGenericDict()->entries) {
        sorted.emplace(
            key.isString() ? fmt::format("\"{}\"", key.toStringRef()) : std::to_string(key.toInt()), item);
      }
      for (const auto& [key, item] : sorted) add(item, fmt::format("{}[{}]", path, key));
    } else if (!value.isNone()) {
      throw NotImplementedError(
          fmt::format("the result{} is a {}, which no file of tensors can hold", path, value.type_name()));
    }
  }

  std::vector<Output> outputs;

 private:
  /// A program can give lists inside themselves, and lists that hold each other twice, and so on.
  void check_end(const std::string& path) {
    constexpr size_t kLongestPath = 1024, kMostValues = 1'000'000;
    if (path.size() <= kLongestPath && ++values_ <= kMostValues) return;
    throw LimitError(
        fmt::format("the result is nested too deep, or unfolds to more than {} values, at result{}",
                    kMostValues, path.substr(0, 60)));
  }

  void add_all(const std::vector<IValue>& items, const std::string& path) {
    for (size_t i = 0; i < items.size(); ++i) add(items[i], fmt::format("{}[{}]", path, i));
  }

  void output(Tensor tensor, const std::string& path) {
    outputs.push_back({fmt::format("output.{}", outputs.size()), path, std::move(tensor)});
  }

  static Tensor bytes_of(const std::string& text) {
    Tensor bytes = empty({static_cast<int64_t>(text.size())}, kUInt8);
    if (!text.empty()) std::memcpy(bytes.raw_data(), text.data(), text.size());
    return bytes;
  }

  size_t values_ = 0;
};

}  // namespace

Call bind_call(const Signature& signature, const io::NamedTensors& tensors, const std::string& origin) {
  Supply supply(tensors);
  Call call;
  bool by_name = false;
  for (size_t i = 0; i < signature.parameters.size(); ++i) {
    const Parameter& parameter = signature.parameters[i];
    const std::string position = fmt::format("input.{}", i);
    const std::string& name = supply.has_any(position) ? position : parameter.name;
    const bool given = supply.has_any(name);
    if (!given && parameter.has_default) {
      by_name = true;
      continue;
    }
    if (!given && !parameter.type.ends_with('?') && !parameter.type.ends_with("[]")) {
      const std::vector<std::string> names = supply.all();
      throw ValueError(
          fmt::format("{}: no tensor for argument '{}'; the method takes {}; {}", origin, parameter.name,
                      expected_text(signature),
                      names.empty() ? "none is given" : fmt::format("given are {}", fmt::join(names, ", "))));
    }
    IValue value = build(parameter.type, name, supply);
    if (by_name || parameter.keyword_only) {
      call.kwargs.emplace(parameter.name, std::move(value));
    } else {
      call.inputs.push_back(std::move(value));
    }
  }
  if (const auto left = supply.left(); !left.empty()) {
    throw ValueError(fmt::format("{}: no argument is called {}; the method takes {}", origin,
                                 fmt::join(left, ", "), expected_text(signature)));
  }
  return call;
}

std::vector<Output> flatten(const IValue& result) {
  Flattening flattening;
  flattening.add(result, "");
  return std::move(flattening.outputs);
}

std::string shape_text(const Tensor& tensor) {
  return fmt::format("{}[{}]", dtype_name(tensor.dtype()), fmt::join(tensor.sizes(), ", "));
}

}  // namespace calque::app
