#include "torchscript/unpickler.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/text.h"
#include "calque/error.h"
#include "ir/native_class.h"
#include "ops/packed_linear.h"
#include "torchscript/tensor_unpickler.h"
#include "torchscript/type_parser.h"

namespace calque::torchscript {

namespace {

/// The part of a declared type that describes containers of one kind: List[int] of Optional[List[int]].
TypePtr part_of_kind(const TypePtr& type, TypeKind kind) {
  if (type == nullptr || type->kind() == kind) return type;
  if (type->kind() != TypeKind::Optional && type->kind() != TypeKind::Union) return nullptr;
  for (const TypePtr& member : type->contained()) {
    if (member->kind() == kind) return member;
  }
  return nullptr;
}

class Unpickler {
 public:
  explicit Unpickler(const UnpickleContext& context) : context_(context), tensors_(context) {}

  /// `type` is what the place holds by declaration, or nullptr.
  IValue read(const PickleValue& pickle, const TypePtr& type, const UnpicklePath& path) {
    charge();
    switch (pickle.kind()) {
      case PickleKind::kNone:
        return IValue();
      case PickleKind::kBool:
        return pickle.boolean();
      case PickleKind::kInt:
        return pickle.integer();
      case PickleKind::kDouble:
        return pickle.real();
      case PickleKind::kString:
        return pickle.string();
      case PickleKind::kTuple:
        return tuple(pickle, part_of_kind(type, TypeKind::Tuple), path);
      case PickleKind::kList:
        return shared(pickle, [&] { return list(pickle, type, nullptr, path); });
      case PickleKind::kDict:
        return shared(pickle, [&] { return dict(pickle, type, nullptr, path); });
      case PickleKind::kReduce:
        return shared(pickle, [&] { return reduce(pickle, type, path); });
      case PickleKind::kObject:
        return shared(pickle, [&] { return object(pickle, path); });
      case PickleKind::kGlobal:
        fail(path, cat("the name ", quoted(pickle.qualified_name()), " stands where a value belongs"));
      case PickleKind::kPersistentId:
        fail(path, "a storage stands where a tensor belongs");
    }
    fail(path, "an unknown kind of pickle value");
  }

 private:
  [[noreturn]] void fail(const UnpicklePath& path, std::string_view message) const {
    path.fail(context_, message);
  }
  [[noreturn]] void not_supported(const UnpicklePath& path, std::string_view message) const {
    path.not_supported(context_, message);
  }
  [[noreturn]] void refuse_name(const std::string& name, const UnpicklePath& path) const {
    path.refuse_name(context_, name);
  }

  void charge() {
    constexpr int64_t kValueBytes = 64;
    memory_ += kValueBytes;
    if (memory_ > context_.options.max_memory) {
      throw LimitError(cat(context_.label, ": the values take more than ", context_.options.max_memory,
                           " bytes; raise LoadOptions::max_memory when this is no accident"));
    }
  }

  template <class Make>
  IValue shared(const PickleValue& pickle, Make make) {
    if (const auto known = made_.find(pickle.identity()); known != made_.end()) return known->second;
    IValue value = make();
    made_.emplace(pickle.identity(), value);
    return value;
  }

  IValue checked(const PickleValue& pickle, const TypePtr& type, const UnpicklePath& path) {
    IValue value = read(pickle, type, path);
    if (!value_has_type(value, *type)) {
      fail(path, cat("expected ", type->annotation(), ", found ", value.type_name()));
    }
    return value;
  }

  // Containers.

  IValue tuple(const PickleValue& pickle, const TypePtr& type, const UnpicklePath& path) {
    const auto key = std::pair(pickle.identity(), type.get());
    if (const auto known = tuples_.find(key); known != tuples_.end()) return known->second;
    const auto& items = pickle.items();
    const bool typed = type != nullptr && type->contained().size() == items.size();
    auto out = make_ref<TupleImpl>();
    check_weight(pickle, path);
    for (size_t i = 0; i < items.size(); ++i) {
      out->items.push_back(read(items[i], typed ? type->contained()[i] : nullptr, {&path, "item"}));
    }
    if (typed && static_cast<const TupleType&>(*type).is_named()) {
      for (size_t i = 0; i < items.size(); ++i) {
        if (!value_has_type(out->items[i], *type->contained()[i])) {
          const std::string& field = static_cast<const TupleType&>(*type).fields[i];
          fail({&path, field},
               cat("expected ", type->contained()[i]->annotation(), ", found ", out->items[i].type_name()));
        }
      }
      out->type = type;
    }
    IValue value(std::move(out));
    tuples_.emplace(key, value);
    return value;
  }

  /// Tuples have their items in their types, so tuples that share parts again and again have types without
  /// bound.
  int64_t check_weight(const PickleValue& pickle, const UnpicklePath& path) {
    constexpr int64_t kMaxWeight = 1'000'000;
    if (!pickle.is(PickleKind::kTuple)) return 1;
    if (const auto known = weights_.find(pickle.identity()); known != weights_.end()) return known->second;
    int64_t weight = 1;
    for (const PickleValue& item : pickle.items()) {
      weight += check_weight(item, path);
      if (weight > kMaxWeight)
        fail(path, cat("nested tuples that stand for more than ", kMaxWeight, " values"));
    }
    weights_.emplace(pickle.identity(), weight);
    return weight;
  }

  IValue list(const PickleValue& pickle, const TypePtr& declared, const TypePtr& tag,
              const UnpicklePath& path) {
    if (!pickle.is(PickleKind::kList))
      fail(path, cat("expected a list, found ", pickle_kind_name(pickle.kind())));
    TypePtr type = part_of_kind(declared, TypeKind::List);
    if (type == nullptr) type = tag;
    auto out = make_ref<ListImpl>();
    out->items.reserve(pickle.items().size());
    if (type != nullptr) {
      out->element_type = type->contained()[0];
      for (const PickleValue& item : pickle.items())
        out->items.push_back(checked(item, out->element_type, {&path, "item"}));
      return IValue(std::move(out));
    }
    TypePtr element;
    for (const PickleValue& item : pickle.items()) {
      out->items.push_back(read(item, nullptr, {&path, "item"}));
      const TypePtr found = type_of(out->items.back());
      if (element != nullptr && element->kind() == TypeKind::Any) continue;
      element = element == nullptr ? found : unify_types(element, found);
      if (element == nullptr) element = any_type();
    }
    out->element_type = element == nullptr ? any_type() : element;
    return IValue(std::move(out));
  }

  IValue dict(const PickleValue& pickle, const TypePtr& declared, const TypePtr& tag,
              const UnpicklePath& path) {
    if (!pickle.is(PickleKind::kDict))
      fail(path, cat("expected a dict, found ", pickle_kind_name(pickle.kind())));
    TypePtr type = part_of_kind(declared, TypeKind::Dict);
    if (type == nullptr) type = tag;
    if (type == nullptr) type = dict_type(string_type(), any_type());
    auto out = make_ref<DictImpl>();
    out->key_type = type->contained()[0];
    out->value_type = type->contained()[1];
    for (const auto& [key, value] : pickle.pairs()) {
      const std::string_view step = key.is(PickleKind::kString) ? std::string_view(key.string()) : "item";
      IValue made_key = checked(key, out->key_type, {&path, "key"});
      IValue made_value = checked(value, out->value_type, {&path, step});
      try {
        out->insert_or_assign(made_key, std::move(made_value));
      } catch (const TypeError& error) {
        fail(path, error.msg());
      }
    }
    return IValue(std::move(out));
  }

  // Calls.

  IValue reduce(const PickleValue& pickle, const TypePtr& type, const UnpicklePath& path) {
    const PickleValue& callable = pickle.callable();
    const std::string name = callable.qualified_name();
    if (pickle.state() != nullptr || !pickle.pairs().empty())
      fail(path, cat("what ", calque::quoted(name), " gives is given a state or items as well"));
    static const std::vector<PickleValue> kNoItems;
    const bool has_tuple = pickle.argument().is(PickleKind::kTuple);
    const auto& arguments = has_tuple ? pickle.argument().items() : kNoItems;
    if (name == "torch._utils._rebuild_tensor_v2") return tensors_.read(arguments, path);
    if (name == "torch._utils._rebuild_parameter") return parameter(arguments, path);
    if (callable.module() == "torch.jit._pickle")
      return typed_container(callable.name(), arguments, type, path);
    if (name == "torch.device") return device(arguments, path);
    if (name == "builtins.complex") return complex(arguments, path);
    if (name == "torch._utils._rebuild_qtensor") return tensors_.read_quantized(arguments, path);
    if (name == "torch._utils._rebuild_sparse_tensor") {
      not_supported(path, "a sparse tensor (_rebuild_sparse_tensor); call to_dense() before saving");
    }
    const TypePtr found = context_.find_type(name);
    if (found != nullptr && found->kind() == TypeKind::Enum)
      return enumeration(found, pickle.argument(), path);
    refuse_name(name, path);
  }

  IValue parameter(const std::vector<PickleValue>& arguments, const UnpicklePath& path) {
    const bool fits = arguments.size() == 3 && arguments[1].is(PickleKind::kBool);
    if (!fits) fail(path, "_rebuild_parameter takes a tensor, a bool and hooks");
    IValue value = read(arguments[0], tensor_type(), path);
    if (!value.isTensor())
      fail(path, cat("expected a tensor in _rebuild_parameter, found ", value.type_name()));
    value.toTensor().impl()->requires_grad = arguments[1].boolean();
    return value;
  }

  IValue typed_container(const std::string& maker, const std::vector<PickleValue>& arguments,
                         const TypePtr& declared, const UnpicklePath& path) {
    static const std::map<std::string, TypePtr, std::less<>> makers = {
        {"build_intlist", list_type(int_type())},
        {"build_doublelist", list_type(float_type())},
        {"build_boollist", list_type(bool_type())},
        {"build_tensorlist", list_type(tensor_type())},
    };
    const auto known = makers.find(maker);
    if (known != makers.end()) {
      if (arguments.size() != 1) fail(path, cat(maker, " takes one list"));
      return list(arguments[0], declared, known->second, path);
    }
    if (maker != "restore_type_tag") refuse_name(cat("torch.jit._pickle.", maker), path);
    if (arguments.size() != 2 || !arguments[1].is(PickleKind::kString)) {
      fail(path, "restore_type_tag takes a container and its type");
    }
    const TypePtr tag = type_of_tag(arguments[1].string());
    if (tag->kind() == TypeKind::List) return list(arguments[0], declared, tag, path);
    if (tag->kind() == TypeKind::Dict) return dict(arguments[0], declared, tag, path);
    return checked(arguments[0], tag, path);
  }

  TypePtr type_of_tag(const std::string& text) {
    if (const auto known = tags_.find(text); known != tags_.end()) return known->second;
    const TypePtr type =
        parse_type_text(text, context_.label, context_.options.max_depth,
                        [&](const std::string& name, Position) { return context_.find_type(name); });
    tags_.emplace(text, type);
    return type;
  }

  IValue device(const std::vector<PickleValue>& arguments, const UnpicklePath& path) const {
    if (arguments.size() != 1 || !arguments[0].is(PickleKind::kString))
      fail(path, "torch.device takes one text");
    try {
      return Device::parse(arguments[0].string());
    } catch (const ValueError& error) {
      fail(path, error.msg());
    }
  }

  IValue complex(const std::vector<PickleValue>& arguments, const UnpicklePath& path) const {
    if (arguments.size() != 2 || !arguments[0].is(PickleKind::kDouble) ||
        !arguments[1].is(PickleKind::kDouble)) {
      fail(path, "complex takes two floats");
    }
    return std::complex<double>(arguments[0].real(), arguments[1].real());
  }

  IValue enumeration(const TypePtr& type, const PickleValue& argument, const UnpicklePath& path) {
    const bool in_tuple = argument.is(PickleKind::kTuple);
    if (in_tuple && argument.items().size() != 1) fail(path, cat(type->annotation(), " takes one value"));
    const IValue value = read(in_tuple ? argument.items()[0] : argument, nullptr, path);
    for (const auto& [name, member] : static_cast<const EnumType&>(*type).members) {
      if (value.tag() != member.tag() || !(value == member)) continue;
      auto out = make_ref<EnumImpl>();
      out->type = type;
      out->name = name;
      out->value = member;
      return IValue(std::move(out));
    }
    fail(path, cat("the enum ", type->annotation(), " has no member with this value"));
  }

  // Objects.

  IValue object(const PickleValue& pickle, const UnpicklePath& path) {
    const std::string name = pickle.callable().qualified_name();
    if (const auto native = find_native_class(name)) return packed_linear(pickle, path);
    const TypePtr found = context_.find_type(name);
    if (found == nullptr || found->kind() != TypeKind::Class) refuse_name(name, path);
    const auto type = std::static_pointer_cast<const ClassType>(found);
    if (type->find_method("__setstate__") != nullptr) {
      not_supported(
          path,
          cat("the class ", name,
              " has a __setstate__ method: code that would have to run while the file is loaded. Loading "
              "never runs code of the file. torch.jit.freeze in PyTorch makes a module without such "
              "classes"));
    }
    const PickleValue* state = pickle.state();
    if (state == nullptr || !state->is(PickleKind::kDict))
      fail(path, cat("an object of ", name, " without its attributes"));
    std::unordered_map<std::string_view, const PickleValue*> values;
    for (const auto& [key, value] : state->pairs()) {
      if (key.is(PickleKind::kString)) values[key.string()] = &value;
    }
    auto out = make_ref<ObjectImpl>();
    out->type = type;
    out->unit = context_.unit;
    out->slots.reserve(type->attributes.size());
    for (const ClassType::Attribute& attribute : type->attributes) {
      const UnpicklePath inner{&path, attribute.name};
      const auto value = values.find(attribute.name);
      if (value == values.end())
        fail(inner, cat("missing in the file, although the class ", name, " has it"));
      out->slots.push_back(checked(*value->second, attribute.type, inner));
    }
    return IValue(std::move(out));
  }

  /// Packed parameters of a Linear: (weight, bias), which __setstate__ of PyTorch's class takes.
  IValue packed_linear(const PickleValue& pickle, const UnpicklePath& path) {
    const PickleValue* state = pickle.state();
    if (state == nullptr || !state->is(PickleKind::kTuple) || state->items().size() != 2) {
      fail(path, "packed parameters of a Linear are a weight and a bias");
    }
    const IValue weight = checked(state->items()[0], tensor_type(), {&path, "weight"});
    const IValue bias = checked(state->items()[1], optional_type(tensor_type()), {&path, "bias"});
    try {
      return ops::pack_linear(
          {.weight = weight.toTensor(),
           .bias = bias.isNone() ? std::nullopt : std::optional<Tensor>(bias.toTensor())});
    } catch (const RuntimeError& error) {
      fail(path, error.msg());
    }
  }

  const UnpickleContext& context_;
  TensorUnpickler tensors_;
  std::unordered_map<const PickleNode*, IValue> made_;
  std::map<std::pair<const PickleNode*, const Type*>, IValue> tuples_;
  std::unordered_map<const PickleNode*, int64_t> weights_;
  std::map<std::string, TypePtr> tags_;
  int64_t memory_ = 0;
};

}  // namespace

IValue unpickle(const PickleValue& pickle, const UnpickleContext& context) {
  return Unpickler(context).read(pickle, nullptr, {});
}

}  // namespace calque::torchscript
