// The binary protocol between op_tool and the Python tests: little-endian, every call a request and a
// response.
#pragma once

#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "calque/ivalue.h"
#include "ir/schema.h"
#include "ops/packed_linear.h"

namespace calque::optool {

/// Reads a request: storages, tensors over them, arguments.
class Reader {
 public:
  explicit Reader(std::istream& in) : in_(in) {}
  bool at_end() { return in_.peek() == std::char_traits<char>::eof(); }

  template <class T>
  T number() {
    T value{};
    in_.read(reinterpret_cast<char*>(&value), sizeof value);
    if (!in_) throw std::runtime_error("the request ends early");
    return value;
  }
  std::string text() {
    std::string out(number<uint32_t>(), '\0');
    in_.read(out.data(), static_cast<std::streamsize>(out.size()));
    return out;
  }

  void read_tensors() {
    storages.clear();
    tensors.clear();
    for (auto n = number<uint32_t>(); n > 0; --n) {
      const auto size = number<int64_t>();
      storages.push_back(Storage::allocate(size));
      in_.read(reinterpret_cast<char*>(storages.back()->data()), size);
    }
    for (auto n = number<uint32_t>(); n > 0; --n) {
      const auto storage = number<uint32_t>();
      const auto dtype = static_cast<ScalarType>(number<int8_t>());
      const bool wrapped = number<uint8_t>() != 0;
      const auto offset = number<int64_t>();
      const Dims sizes = dims();
      const Dims strides = dims();
      tensors.push_back(from_storage(storages.at(storage), offset, sizes, strides, dtype));
      tensors.back().impl()->offset = offset;
      tensors.back().impl()->wrapped_number = wrapped;
      tensors.back().impl()->quantization = quantization();
    }
  }

  Ref<Quantization> quantization() {
    auto out = make_ref<Quantization>();
    out->axis = number<int64_t>();
    for (auto n = number<uint32_t>(); n > 0; --n) out->scales.push_back(number<double>());
    out->zero_points = dims();
    return out->scales.empty() ? nullptr : out;
  }

  IValue packed_linear() {
    const Tensor weight = value().toTensor();
    const IValue bias = value();
    return ops::pack_linear(
        {.weight = weight, .bias = bias.isNone() ? std::nullopt : std::optional<Tensor>(bias.toTensor())});
  }

  IValue value() {
    switch (number<char>()) {
      case 'T':
        return tensors.at(number<uint32_t>());
      case 'I':
        return number<int64_t>();
      case 'F':
        return number<double>();
      case 'B':
        return number<uint8_t>() != 0;
      case 'S':
        return text();
      case 'V':
        return Device::parse(text());
      case 'P':
        return packed_linear();
      case 'U':
        return IValue::tuple(values());
      case 'L': {
        auto list = make_ref<ListImpl>();
        list->element_type = type(text());
        list->items = values();
        return IValue(list);
      }
      case 'D': {
        auto dict = make_ref<DictImpl>();
        dict->key_type = type(text());
        dict->value_type = type(text());
        const std::vector<IValue> flat = values();
        for (size_t i = 0; i + 1 < flat.size(); i += 2) dict->insert_or_assign(flat[i], flat[i + 1]);
        return IValue(dict);
      }
      default:
        return {};
    }
  }

  std::vector<IValue> values() {
    std::vector<IValue> out;
    for (auto n = number<uint32_t>(); n > 0; --n) out.push_back(value());
    return out;
  }

  std::vector<Ref<Storage>> storages;
  std::vector<Tensor> tensors;

 private:
  Dims dims() {
    Dims out;
    for (auto n = number<uint32_t>(); n > 0; --n) out.push_back(number<int64_t>());
    return out;
  }
  static TypePtr type(const std::string& text) {
    return parse_schema("f::f(" + text + " x) -> ()").arguments[0].type;
  }

  std::istream& in_;
};

/// Collects a response. Tensors and storages of the request keep their numbers; new ones follow.
class Writer {
 public:
  explicit Writer(const Reader& request) {
    for (const auto& storage : request.storages) storage_number(storage);
    for (const auto& tensor : request.tensors) tensor_number(tensor);
  }

  void value(const IValue& v) {
    switch (v.tag()) {
      case IValue::Tag::Tensor:
        put('T');
        put(tensor_number(v.toTensor()));
        break;
      case IValue::Tag::Int:
        put('I');
        put(v.toInt());
        break;
      case IValue::Tag::Double:
        put('F');
        put(v.toDouble());
        break;
      case IValue::Tag::Bool:
        put('B');
        put(static_cast<uint8_t>(v.toBool()));
        break;
      case IValue::Tag::String:
        put('S');
        text(v.toStringRef());
        break;
      case IValue::Tag::Device:
        put('V');
        text(v.toDevice().str());
        break;
      case IValue::Tag::Object: {
        const ops::LinearParameters parameters = ops::unpack_linear(*v.object_impl());
        put('P');
        value(parameters.weight);
        value(parameters.bias);
        break;
      }
      case IValue::Tag::Tuple:
        put('U');
        values(v.tuple_impl()->items);
        break;
      case IValue::Tag::List:
        put('L');
        text(v.list_impl()->element_type->str());
        values(v.list_impl()->items);
        break;
      case IValue::Tag::Dict: {
        put('D');
        text(v.dict_impl()->key_type->str());
        text(v.dict_impl()->value_type->str());
        std::vector<IValue> flat;
        for (const auto& [key, item] : v.dict_impl()->entries) flat.insert(flat.end(), {key, item});
        values(flat);
        break;
      }
      default:
        put('N');
    }
  }
  void values(const std::vector<IValue>& items) {
    put(static_cast<uint32_t>(items.size()));
    for (const IValue& item : items) value(item);
  }

  /// The whole response: what was put, then the tables.
  std::string finish() {
    std::string body = std::move(out_);
    out_.clear();
    put(static_cast<uint32_t>(storages_.size()));
    for (const auto& storage : storages_) {
      put(storage->nbytes());
      out_.append(reinterpret_cast<const char*>(storage->data()), static_cast<size_t>(storage->nbytes()));
    }
    put(static_cast<uint32_t>(tensors_.size()));
    for (const Tensor& t : tensors_) {
      put(storage_number(t.storage()));
      put(static_cast<int8_t>(t.dtype()));
      put(t.storage_offset());
      dims(t.sizes());
      dims(t.strides());
      quantization(t.impl()->quantization.get());
    }
    return out_ + body;
  }

  template <class T>
  void put(T number) {
    out_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void text(std::string_view s) {
    put(static_cast<uint32_t>(s.size()));
    out_ += s;
  }

 private:
  void quantization(const Quantization* how) {
    static const Quantization kNone;
    if (how == nullptr) how = &kNone;
    put(how->axis);
    put(static_cast<uint32_t>(how->scales.size()));
    for (const double scale : how->scales) put(scale);
    dims(how->zero_points);
  }
  void dims(IntArrayRef values) {
    put(static_cast<uint32_t>(values.size()));
    for (const int64_t v : values) put(v);
  }
  uint32_t storage_number(const Ref<Storage>& storage) {
    const auto [at, fresh] =
        storage_numbers_.try_emplace(storage.get(), static_cast<uint32_t>(storages_.size()));
    if (fresh) storages_.push_back(storage);
    return at->second;
  }
  uint32_t tensor_number(const Tensor& t) {
    if (!t.defined()) return UINT32_MAX;
    const auto [at, fresh] =
        tensor_numbers_.try_emplace(t.impl().get(), static_cast<uint32_t>(tensors_.size()));
    if (fresh) {
      tensors_.push_back(t);
      storage_number(t.storage());
    }
    return at->second;
  }

  std::string out_;
  std::vector<Ref<Storage>> storages_;
  std::vector<Tensor> tensors_;
  std::map<const Storage*, uint32_t> storage_numbers_;
  std::map<const TensorImpl*, uint32_t> tensor_numbers_;
};

}  // namespace calque::optool
