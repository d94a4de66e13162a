#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "ir/graph.h"
#include "ir/value_walk.h"
#include "jit/executable.h"

namespace calque::jit {

namespace {

ObjectImpl& object_of(const Ref<ObjectImpl>& object) {
  if (!object)
    throw ValueError(
        "this Module is empty: it was default-constructed or moved from; load or trace one first");
  return *object;
}

bool is_module(const IValue& value) { return value.isObject() && value.object_impl()->type->is_module; }

[[noreturn]] void no_attribute(const ObjectImpl& object, std::string_view name) {
  throw RuntimeError(cat("Module '", object.type->name, "' has no attribute '", name, "'"));
}

constexpr size_t kMostPaths = 1'000'000;
constexpr int kDeepestModule = 1000;

/// Calls `visit(path, object)` for the module and every submodule, depth first, once per path. LimitError
/// when sharing multiplies the paths without bound, as a hostile archive can make it.
template <class Visit>
class Walk {
 public:
  explicit Walk(const Visit& visit) : visit_(visit) {}

  void module(const Ref<ObjectImpl>& object, const std::string& path, int depth = 0) {
    if (depth > kDeepestModule || ++paths_ > kMostPaths) {
      throw LimitError(cat("the modules below ", quoted(path), " are nested or shared too often: more than ",
                           kDeepestModule, " levels or ", kMostPaths, " paths"));
    }
    visit_(path, object);
    const ClassType& type = *object->type;
    for (size_t i = 0; i < type.attributes.size(); ++i) {
      if (!is_module(object->slots[i])) continue;
      const std::string& name = type.attributes[i].name;
      module(object->slots[i].toObject(), path.empty() ? name : path + "." + name, depth + 1);
    }
  }

 private:
  const Visit& visit_;
  size_t paths_ = 0;
};

template <class Visit>
void walk(const Ref<ObjectImpl>& object, const Visit& visit) {
  Walk<Visit>(visit).module(object, "");
}

enum class Kind { Parameter, Buffer, Both };

std::vector<NamedTensor> named_tensors(const Ref<ObjectImpl>& object, Kind kind, bool recurse, bool once) {
  std::vector<NamedTensor> found;
  std::unordered_set<const TensorImpl*> seen;
  walk(object, [&](const std::string& path, const Ref<ObjectImpl>& module) {
    if (!recurse && !path.empty()) return;
    const ClassType& type = *module->type;
    for (size_t i = 0; i < type.attributes.size(); ++i) {
      const ClassType::Attribute& attribute = type.attributes[i];
      const bool wanted = (attribute.is_parameter && kind != Kind::Buffer) ||
                          (attribute.is_buffer && kind != Kind::Parameter);
      if (!wanted || !module->slots[i].isTensor()) continue;
      if (once && !seen.insert(module->slots[i].tensor_impl()).second) continue;
      found.push_back(
          {path.empty() ? attribute.name : path + "." + attribute.name, module->slots[i].toTensor()});
    }
  });
  return found;
}

std::vector<Tensor> values_of(const std::vector<NamedTensor>& named) {
  std::vector<Tensor> values;
  values.reserve(named.size());
  for (const NamedTensor& n : named) values.push_back(n.value);
  return values;
}

/// Copies objects and containers; tensors only when `deep`. Sharing is kept through `memo`.
class Copier {
 public:
  explicit Copier(bool deep) : deep_(deep) {}

  Ref<ObjectImpl> object(const Ref<ObjectImpl>& from) {
    if (auto it = objects_.find(from.get()); it != objects_.end()) return it->second;
    auto to = make_ref<ObjectImpl>();
    objects_.emplace(from.get(), to);
    to->type = from->type;
    to->unit = from->unit;
    for (const IValue& slot : from->slots) to->slots.push_back(value(slot));
    return to;
  }

 private:
  IValue value(const IValue& from) {
    if (from.isObject()) return object(from.toObject());
    if (!deep_) return from;
    if (from.isTensor()) return tensor(from.toTensor());
    const ValueWalk walk;
    if (from.isList()) {
      auto list = make_ref<ListImpl>();
      list->element_type = from.list_impl()->element_type;
      for (const IValue& item : from.list_impl()->items) list->items.push_back(value(item));
      return list;
    }
    if (from.isTuple()) {
      auto tuple = make_ref<TupleImpl>();
      tuple->type = from.tuple_impl()->type;
      for (const IValue& item : from.tuple_impl()->items) tuple->items.push_back(value(item));
      return tuple;
    }
    if (from.isGenericDict()) {
      auto dict = make_ref<DictImpl>();
      dict->key_type = from.dict_impl()->key_type;
      dict->value_type = from.dict_impl()->value_type;
      for (const auto& [key, item] : from.dict_impl()->entries) dict->insert_or_assign(key, value(item));
      return dict;
    }
    return from;
  }

  IValue tensor(const Tensor& from) {
    if (!from.defined()) return from;
    Tensor& to = tensors_[from.impl().get()];
    if (to.defined()) return to;
    Ref<Storage>& storage = storages_[from.storage().get()];
    if (!storage) {
      storage = Storage::allocate(from.storage()->nbytes());
      std::copy_n(from.storage()->data(), from.storage()->nbytes(), storage->data());
    }
    to = from_storage(storage, from.storage_offset(), from.sizes(), from.strides(), from.dtype());
    to.impl()->requires_grad = from.requires_grad();
    return to;
  }

  bool deep_;
  std::unordered_map<const ObjectImpl*, Ref<ObjectImpl>> objects_;
  std::unordered_map<const TensorImpl*, Tensor> tensors_;
  std::unordered_map<const Storage*, Ref<Storage>> storages_;
};

}  // namespace

IValue Module::forward(std::vector<IValue> inputs, const Kwargs& kwargs, const RunOptions& options) const {
  return get_method("forward")(std::move(inputs), kwargs, options);
}

std::optional<Method> Module::find_method(std::string_view name) const {
  Function* function = object_of(object_).type->find_method(name);
  if (function == nullptr) return std::nullopt;
  return Method(*this, function);
}

Method Module::get_method(std::string_view name) const {
  if (std::optional<Method> method = find_method(name)) return *method;
  throw RuntimeError(cat("Method '", name, "' is not defined."));
}

std::vector<Method> Module::get_methods() const {
  std::vector<Method> methods;
  for (Function* function : object_of(object_).type->methods) methods.emplace_back(*this, function);
  return methods;
}

IValue Module::run_method(std::string_view name, std::vector<IValue> inputs, const Kwargs& kwargs) const {
  return get_method(name)(std::move(inputs), kwargs);
}

bool Module::hasattr(std::string_view name) const {
  return object_of(object_).type->find_attribute(name).has_value();
}

IValue Module::attr(std::string_view name) const {
  const ObjectImpl& object = object_of(object_);
  if (const auto slot = object.type->find_attribute(name)) return object.slots[*slot];
  if (const ClassType::Constant* constant = object.type->find_constant(name)) return constant->value;
  no_attribute(object, name);
}

IValue Module::attr(std::string_view name, IValue fallback) const {
  const ObjectImpl& object = object_of(object_);
  if (const auto slot = object.type->find_attribute(name)) return object.slots[*slot];
  if (const ClassType::Constant* constant = object.type->find_constant(name)) return constant->value;
  return fallback;
}

void Module::setattr(std::string_view name, IValue value) const {
  ObjectImpl& object = object_of(object_);
  const auto slot = object.type->find_attribute(name);
  if (!slot.has_value()) no_attribute(object, name);
  const Type& type = *object.type->attributes[*slot].type;
  if (!value_has_type(value, type)) {
    throw TypeError(cat("attribute '", name, "' of '", object.type->name, "' has type ", type.annotation(),
                        "; a value of type ", value.type_name(), " cannot be assigned to it"));
  }
  object.slots[*slot] = std::move(value);
}

std::vector<NamedTensor> Module::named_parameters(bool recurse) const {
  object_of(object_);
  return named_tensors(object_, Kind::Parameter, recurse, true);
}
std::vector<NamedTensor> Module::named_buffers(bool recurse) const {
  object_of(object_);
  return named_tensors(object_, Kind::Buffer, recurse, true);
}
std::vector<Tensor> Module::parameters(bool recurse) const { return values_of(named_parameters(recurse)); }
std::vector<Tensor> Module::buffers(bool recurse) const { return values_of(named_buffers(recurse)); }
std::vector<NamedTensor> Module::state_dict() const {
  object_of(object_);
  return named_tensors(object_, Kind::Both, true, false);
}

std::vector<std::pair<std::string, Module>> Module::named_children() const {
  std::vector<std::pair<std::string, Module>> children;
  const ObjectImpl& object = object_of(object_);
  for (size_t i = 0; i < object.slots.size(); ++i) {
    if (is_module(object.slots[i]))
      children.emplace_back(object.type->attributes[i].name, object.slots[i].toObject());
  }
  return children;
}

std::vector<std::pair<std::string, Module>> Module::named_modules() const {
  object_of(object_);
  std::vector<std::pair<std::string, Module>> modules;
  std::unordered_set<const ObjectImpl*> seen;
  walk(object_, [&](const std::string& path, const Ref<ObjectImpl>& module) {
    if (seen.insert(module.get()).second) modules.emplace_back(path, Module(module));
  });
  return modules;
}

std::vector<std::pair<std::string, IValue>> Module::named_attributes() const {
  std::vector<std::pair<std::string, IValue>> attributes;
  const ObjectImpl& object = object_of(object_);
  for (size_t i = 0; i < object.slots.size(); ++i) {
    attributes.emplace_back(object.type->attributes[i].name, object.slots[i]);
  }
  return attributes;
}

void Module::train(bool on) const {
  object_of(object_);
  walk(object_, [&](const std::string&, const Ref<ObjectImpl>& module) {
    const auto slot = module->type->find_attribute("training");
    if (slot.has_value() && module->slots[*slot].isBool()) module->slots[*slot] = on;
  });
}

bool Module::is_training() const {
  const IValue training = attr("training", IValue(false));
  return training.isBool() && training.toBool();
}

void Module::to(ScalarType dtype) const {
  if (!calque::is_floating_point(dtype)) {
    throw TypeError(cat("Module::to takes a floating-point dtype, found ", dtype_name(dtype)));
  }
  for (const NamedTensor& named : state_dict()) {
    if (!named.value.is_floating_point() || named.value.dtype() == dtype) continue;
    const Tensor converted = named.value.to(dtype);
    TensorImpl& impl = *named.value.impl();
    impl.storage = converted.storage();
    impl.offset = converted.storage_offset();
    impl.sizes.assign(converted.sizes().begin(), converted.sizes().end());
    impl.strides.assign(converted.strides().begin(), converted.strides().end());
    impl.dtype = dtype;
  }
}

std::string Module::type_name() const { return object_of(object_).type->name; }

std::string Module::original_name() const {
  const std::string name = type_name();
  return name.substr(name.rfind('.') + 1);
}

Module Module::copy() const {
  object_of(object_);
  return Module(Copier(false).object(object_));
}

Module Module::deepcopy() const {
  object_of(object_);
  return Module(Copier(true).object(object_));
}

IValue Method::operator()(std::vector<IValue> inputs, const Kwargs& kwargs, const RunOptions& options) const {
  std::vector<IValue> arguments;
  arguments.reserve(inputs.size() + 1);
  arguments.emplace_back(owner_._ivalue());
  for (IValue& input : inputs) arguments.push_back(std::move(input));
  return run_function(*function_, bind_arguments(function_->schema, std::move(arguments), kwargs), options);
}

std::string Method::name() const { return function_->name; }

std::string Method::schema() const {
  FunctionSchema shown = function_->schema;
  shown.name = function_->name;
  return shown.str();
}

std::vector<std::string> Method::argument_names() const {
  std::vector<std::string> names;
  for (size_t i = 1; i < function_->schema.arguments.size(); ++i)
    names.push_back(function_->schema.arguments[i].name);
  return names;
}

}  // namespace calque::jit
