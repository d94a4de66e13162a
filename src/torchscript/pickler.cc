#include "torchscript/pickler.h"

#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "formats/pickle_writer.h"
#include "ir/graph.h"
#include "ir/native_class.h"
#include "ops/packed_linear.h"
#include "torchscript/source_printer_names.h"

namespace calque::torchscript {

namespace {

/// A level of values is up to three of the pickle, of which readers take 1000.
constexpr size_t kMaxDepth = 300;

std::string_view storage_class(ScalarType dtype) {
  switch (dtype) {
    case ScalarType::Byte:
      return "ByteStorage";
    case ScalarType::Char:
      return "CharStorage";
    case ScalarType::Short:
      return "ShortStorage";
    case ScalarType::Int:
      return "IntStorage";
    case ScalarType::Long:
      return "LongStorage";
    case ScalarType::Half:
      return "HalfStorage";
    case ScalarType::Float:
      return "FloatStorage";
    case ScalarType::Double:
      return "DoubleStorage";
    case ScalarType::ComplexFloat:
      return "ComplexFloatStorage";
    case ScalarType::ComplexDouble:
      return "ComplexDoubleStorage";
    case ScalarType::Bool:
      return "BoolStorage";
    case ScalarType::BFloat16:
      return "BFloat16Storage";
    case ScalarType::QInt8:
      return "QInt8Storage";
    case ScalarType::QUInt8:
      return "QUInt8Storage";
    case ScalarType::QInt32:
      return "QInt32Storage";
    default:
      return {};
  }
}

/// What a value that is shared by reference is; null for the rest.
const void* identity(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::Tensor:
      return value.tensor_impl();
    case IValue::Tag::Tuple:
      return value.tuple_impl();
    case IValue::Tag::List:
      return value.list_impl();
    case IValue::Tag::Dict:
      return value.dict_impl();
    case IValue::Tag::Object:
      return value.object_impl();
    default:
      return nullptr;
  }
}

/// The way to a value, for messages.
class Path {
 public:
  void push(std::string_view step) { steps_.push_back(step); }
  void pop() { steps_.pop_back(); }
  size_t depth() const { return steps_.size(); }
  std::string str() const {
    std::string out;
    for (const std::string_view step : steps_) out += cat(out.empty() ? "" : ".", step);
    return out.empty() ? "the value itself" : cat("attribute ", quoted(out));
  }

 private:
  std::vector<std::string_view> steps_;
};

/// Finds the containers that are reached twice, and refuses cycles and bottomless nesting.
class SharingScan {
 public:
  void visit(const IValue& value) {
    const void* id = identity(value);
    if (id == nullptr || value.isTensor()) return;
    if (open_.contains(id)) throw ValueError(cat(path_.str(), " contains itself; it cannot be saved"));
    if (!seen_.insert(id).second) {
      shared_.insert(id);
      return;
    }
    if (path_.depth() > kMaxDepth) {
      throw ValueError(cat("values nested more than ", kMaxDepth, " deep cannot be saved"));
    }
    open_.insert(id);
    children(value);
    open_.erase(id);
  }

  bool is_shared(const void* id) const { return shared_.contains(id); }

 private:
  void children(const IValue& value) {
    if (const ObjectImpl* object = value.object_impl()) {
      for (size_t i = 0; i < object->slots.size() && i < object->type->attributes.size(); ++i) {
        step(object->type->attributes[i].name, object->slots[i]);
      }
    } else if (const TupleImpl* tuple = value.tuple_impl()) {
      for (const IValue& item : tuple->items) step("item", item);
    } else if (const ListImpl* list = value.list_impl()) {
      for (const IValue& item : list->items) step("item", item);
    } else if (const DictImpl* dict = value.dict_impl()) {
      for (const auto& [key, item] : dict->entries) {
        step("key", key);
        step("item", item);
      }
    }
  }

  void step(std::string_view name, const IValue& value) {
    path_.push(name);
    visit(value);
    path_.pop();
  }

  Path path_;
  std::unordered_set<const void*> open_;
  std::unordered_set<const void*> seen_;
  std::unordered_set<const void*> shared_;
};

class Pickler {
 public:
  Pickler(SourcePrinter& names, const SharingScan& sharing) : names_(names), sharing_(sharing) {}

  Pickle finish() { return {.bytes = out_.finish(), .storages = std::move(storages_)}; }

  void push(const IValue& value) {
    const void* id = identity(value);
    if (id == nullptr) return push_plain(value);
    if (const auto known = written_.find(id); known != written_.end()) return out_.get(known->second);
    push_reference(value);
    // PyTorch gives modules and tensors a memo number in any case.
    if (value.isTensor() || value.isObject() || sharing_.is_shared(id)) written_.emplace(id, out_.put());
  }

 private:
  void push_plain(const IValue& value) {
    switch (value.tag()) {
      case IValue::Tag::None:
      case IValue::Tag::Tensor:  // undefined
        return out_.none();
      case IValue::Tag::Bool:
        return out_.boolean(value.toBool());
      case IValue::Tag::Int:
        return out_.integer(value.toInt());
      case IValue::Tag::Double:
        return out_.real(value.toDouble());
      case IValue::Tag::String:
        return out_.string(value.toStringRef());
      case IValue::Tag::Complex:
        out_.global("builtins", "complex");
        out_.real(value.toComplexDouble().real());
        out_.real(value.toComplexDouble().imag());
        out_.short_tuple(2);
        return out_.reduce();
      case IValue::Tag::Device:
        return push_device(value.toDevice().str());
      case IValue::Tag::Enum:
        push_class(*value.toEnum()->type);
        push(value.toEnum()->value);
        return out_.reduce();
      default:
        throw NotImplementedError(
            cat(path_.str(), " is a ", value.type_name(), ", which a file cannot hold"));
    }
  }

  void push_reference(const IValue& value) {
    if (value.isTensor()) return push_tensor(value.toTensor());
    if (value.isObject()) return push_object(*value.object_impl());
    if (value.isTuple()) return push_tuple(*value.tuple_impl());
    if (value.isList()) return push_list(*value.list_impl());
    push_dict(*value.dict_impl());
  }

  void push_step(std::string_view name, const IValue& value) {
    path_.push(name);
    push(value);
    path_.pop();
  }

  void push_class(const Type& type) {
    const auto [module, name] = split_qualified(names_.name(type));
    out_.global(module, name);
  }

  void push_object(const ObjectImpl& object) {
    const ClassType& type = *object.type;
    if (type.find_method("__getstate__") != nullptr) {
      throw NotImplementedError(cat(path_.str(), " is a ", type.name,
                                    ", which has a __getstate__ method; such objects cannot be saved"));
    }
    push_class(type);
    out_.empty_tuple();
    out_.new_object();
    if (find_native_class(type.name) != nullptr) return push_packed_linear(object);
    out_.empty_dict();
    out_.mark();
    for (size_t i = 0; i < type.attributes.size(); ++i) {
      out_.string(type.attributes[i].name);
      push_step(type.attributes[i].name, i < object.slots.size() ? object.slots[i] : IValue());
    }
    out_.set_items();
    out_.build();
  }

  void push_packed_linear(const ObjectImpl& object) {
    const ops::LinearParameters parameters = ops::unpack_linear(object);
    push_step("weight", parameters.weight);
    push_step("bias", parameters.bias);
    out_.short_tuple(2);
    out_.build();
  }

  void push_tuple(const TupleImpl& tuple) {
    const size_t count = tuple.items.size();
    if (count == 0) return out_.empty_tuple();
    if (count > 3) out_.mark();
    for (const IValue& item : tuple.items) push_step("item", item);
    count > 3 ? out_.tuple() : out_.short_tuple(count);
  }

  void push_list(const ListImpl& list) {
    switch (list.element_type->kind()) {
      case TypeKind::Int:
        return push_typed_list(list, "build_intlist");
      case TypeKind::Float:
        return push_typed_list(list, "build_doublelist");
      case TypeKind::Bool:
        return push_typed_list(list, "build_boollist");
      case TypeKind::Tensor:
        return push_typed_list(list, "build_tensorlist");
      default:
        break;
    }
    out_.global("torch.jit._pickle", "restore_type_tag");
    push_items(list);
    push_type_tag(*list_type(list.element_type));
  }

  void push_items(const ListImpl& list) {
    out_.empty_list();
    out_.mark();
    for (const IValue& item : list.items) push_step("item", item);
    out_.appends();
  }

  void push_typed_list(const ListImpl& list, std::string_view maker) {
    out_.global("torch.jit._pickle", maker);
    out_.mark();
    push_items(list);
    out_.tuple();
    out_.reduce();
  }

  void push_dict(const DictImpl& dict) {
    out_.global("torch.jit._pickle", "restore_type_tag");
    out_.empty_dict();
    if (!dict.entries.empty()) {
      out_.mark();
      for (const auto& [key, item] : dict.entries) {
        push_step("key", key);
        push_step("item", item);
      }
      out_.set_items();
    }
    push_type_tag(*dict_type(dict.key_type, dict.value_type));
  }

  void push_type_tag(const Type& type) {
    out_.string(names_.annotation(type));
    out_.short_tuple(2);
    out_.reduce();
  }

  void push_device(const std::string& name) {
    if (const auto known = devices_.find(name); known != devices_.end()) return out_.get(known->second);
    out_.global("torch", "device");
    out_.string(name);
    out_.short_tuple(1);
    out_.reduce();
    devices_.emplace(name, out_.put());
  }

  void push_tensor(const Tensor& tensor) {
    const Quantization* quantization = tensor.impl()->quantization.get();
    out_.global("torch._utils", quantization == nullptr ? "_rebuild_tensor_v2" : "_rebuild_qtensor");
    out_.mark();
    push_storage(tensor);
    out_.integer(tensor.storage_offset());
    push_dims(tensor.sizes());
    push_dims(tensor.strides());
    if (quantization != nullptr) push_quantization(*quantization);
    out_.boolean(tensor.requires_grad());
    out_.global("collections", "OrderedDict");
    out_.empty_tuple();
    out_.reduce();
    out_.tuple();
    out_.reduce();
  }

  void push_quantization(const Quantization& how) {
    out_.mark();
    if (how.axis < 0) {
      out_.global("torch", "per_tensor_affine");
      out_.real(how.scales[0]);
      out_.integer(how.zero_points[0]);
    } else {
      const int64_t channels = static_cast<int64_t>(how.scales.size());
      const Tensor scales = empty({channels}, kDouble);
      std::copy(how.scales.begin(), how.scales.end(), scales.data_ptr<double>());
      out_.global("torch", "per_channel_affine");
      push_tensor(scales);
      push_tensor(calque::tensor(how.zero_points));
      out_.integer(how.axis);
    }
    out_.tuple();
  }

  void push_dims(IntArrayRef dims) {
    out_.mark();
    for (const int64_t dim : dims) out_.integer(dim);
    out_.tuple();
  }

  void push_storage(const Tensor& tensor) {
    const std::string_view name = storage_class(tensor.dtype());
    if (name.empty()) {
      throw NotImplementedError(cat(path_.str(), " is a tensor of dtype ", dtype_name(tensor.dtype()),
                                    ", which cannot be saved; convert it first"));
    }
    const Ref<Storage>& storage = tensor.storage();
    const void* id = storage ? static_cast<const void*>(storage.get()) : tensor.impl().get();
    const auto [known, added] = storage_numbers_.try_emplace({id, tensor.dtype()}, 0);
    if (!added) return out_.get(known->second);
    const int64_t numel = storage ? storage->nbytes() / tensor.itemsize() : 0;
    out_.mark();
    out_.string("storage");
    out_.global("torch", name);
    out_.string(cat(storages_.size()));
    out_.string("cpu");
    out_.integer(numel);
    out_.tuple();
    out_.persistent_id();
    known->second = out_.put();
    storages_.push_back({.storage = storage, .nbytes = numel * tensor.itemsize()});
  }

  SourcePrinter& names_;
  const SharingScan& sharing_;
  PickleWriter out_;
  Path path_;
  std::unordered_map<const void*, uint32_t> written_;
  std::map<std::pair<const void*, ScalarType>, uint32_t> storage_numbers_;
  std::map<std::string, uint32_t, std::less<>> devices_;
  std::vector<PickledStorage> storages_;
};

}  // namespace

Pickle write_pickle(const IValue& value, SourcePrinter& names) {
  SharingScan sharing;
  sharing.visit(value);
  Pickler pickler(names, sharing);
  pickler.push(value);
  return pickler.finish();
}

}  // namespace calque::torchscript
