// Dictionaries, and what is asked of any value.
#include <algorithm>

#include "base/text.h"
#include "ops/limits.h"
#include "ops/tables.h"

namespace calque::ops {

namespace {

DictImpl& dict(const OpCall& c, size_t i) {
  if (!c[i].isGenericDict()) throw TypeError(cat("Expected a dict, but found ", c[i].type_name()));
  return *c[i].dict_impl();
}

Ref<DictImpl> empty_like(const DictImpl& model) {
  auto out = make_ref<DictImpl>();
  out->key_type = model.key_type;
  out->value_type = model.value_type;
  return out;
}

IValue list_of(TypePtr element_type, std::vector<IValue> items) {
  auto out = make_ref<ListImpl>();
  out->element_type = std::move(element_type);
  out->items = std::move(items);
  return IValue(std::move(out));
}

std::string key_text(const IValue& key) {
  if (key.isString()) return key.toStringRef();
  if (key.isInt()) return cat(key.toInt());
  if (key.isDouble()) return cat(key.toDouble());
  if (key.isBool()) return key.toBool() ? "True" : "False";
  return key.type_name();
}

/// The value of a key that must be there.
IValue& value_at(const OpCall& c) {
  IValue* found = dict(c, 0).find(c[1]);
  if (found == nullptr) throw RuntimeError(cat("KeyError: ", key_text(c[1])));
  return *found;
}

void len(OpCall& c) { c.ret(static_cast<int64_t>(dict(c, 0).entries.size())); }
void get_item(OpCall& c) { c.ret(value_at(c)); }
void contains(OpCall& c) { c.ret(dict(c, 0).find(c[1]) != nullptr); }
void list_contains(OpCall& c) {
  const Ref<ListImpl> list = c[0].toListRef();
  c.ret(std::ranges::find(list->items, c[1]) != list->items.end());
}
void set_item(OpCall& c) { dict(c, 0).insert_or_assign(c[1], c[2]); }
void get(OpCall& c) {
  const IValue* found = dict(c, 0).find(c[1]);
  c.ret(found != nullptr ? *found : IValue());
}
void get_default(OpCall& c) {
  const IValue* found = dict(c, 0).find(c[1]);
  c.ret(found != nullptr ? *found : c[2]);
}
void set_default(OpCall& c) {
  if (const IValue* found = dict(c, 0).find(c[1])) return c.ret(*found);
  // NaN is not found even when it was just put in.
  dict(c, 0).insert_or_assign(c[1], c[2]);
  c.ret(c[2]);
}
void pop(OpCall& c) {
  IValue value = value_at(c);
  dict(c, 0).erase(c[1]);
  c.ret(std::move(value));
}
void pop_default(OpCall& c) {
  const IValue* found = dict(c, 0).find(c[1]);
  if (found == nullptr) return c.ret(c[2]);
  IValue value = *found;
  dict(c, 0).erase(c[1]);
  c.ret(std::move(value));
}
void pop_item(OpCall& c) {
  DictImpl& d = dict(c, 0);
  if (d.entries.empty()) throw RuntimeError("popitem(): dictionary is empty");
  // PyTorch takes the first entry.
  const auto [key, value] = d.entries.front();
  d.erase(key);
  c.ret(IValue::tuple({key, value}));
}
void erase(OpCall& c) {
  value_at(c);
  dict(c, 0).erase(c[1]);
}
void clear(OpCall& c) { dict(c, 0).clear(); }
void update(OpCall& c) {
  const auto entries = dict(c, 1).entries;
  for (const auto& [key, value] : entries) dict(c, 0).insert_or_assign(key, value);
}
void copy(OpCall& c) {
  auto out = empty_like(dict(c, 0));
  for (const auto& [key, value] : dict(c, 0).entries) out->insert_or_assign(key, value);
  c.ret(IValue(std::move(out)));
}

void keys(OpCall& c) {
  std::vector<IValue> out;
  for (const auto& entry : dict(c, 0).entries) out.push_back(entry.first);
  c.ret(list_of(dict(c, 0).key_type, std::move(out)));
}
void values(OpCall& c) {
  std::vector<IValue> out;
  for (const auto& entry : dict(c, 0).entries) out.push_back(entry.second);
  c.ret(list_of(dict(c, 0).value_type, std::move(out)));
}
void items(OpCall& c) {
  std::vector<IValue> out;
  for (const auto& [key, value] : dict(c, 0).entries) out.push_back(IValue::tuple({key, value}));
  c.ret(list_of(tuple_type({dict(c, 0).key_type, dict(c, 0).value_type}), std::move(out)));
}

/// dict(list of pairs)
void from_pairs(OpCall& c) {
  const Ref<ListImpl> list = c[0].toListRef();
  auto out = make_ref<DictImpl>();
  const TypePtr& pair = list->element_type;
  const bool typed = pair->kind() == TypeKind::Tuple && pair->contained().size() == 2;
  out->key_type = typed ? pair->contained()[0] : any_type();
  out->value_type = typed ? pair->contained()[1] : any_type();
  for (const IValue& item : list->items) {
    const Ref<TupleImpl> entry = item.toTuple();
    if (entry->items.size() != 2) throw TypeError("dict() expects a list of pairs");
    out->insert_or_assign(entry->items[0], entry->items[1]);
  }
  c.ret(IValue(std::move(out)));
}
void empty_dict(OpCall& c) {
  auto out = make_ref<DictImpl>();
  out->key_type = string_type();
  out->value_type = tensor_type();
  c.ret(IValue(std::move(out)));
}

// --- any value

void is(OpCall& c) { c.ret(c[0].is(c[1])); }
void is_not(OpCall& c) { c.ret(!c[0].is(c[1])); }
void hash(OpCall& c) { c.ret(static_cast<int64_t>(hash_value(c[0]))); }
void unwrap(OpCall& c) {
  if (c[0].isNone()) throw RuntimeError("Unwrapping null optional");
  c.ret(c[0]);
}
void yes(OpCall& c) { c.ret(true); }
void no(OpCall& c) { c.ret(false); }

void device_of_text(OpCall& c) { c.ret(IValue(Device::parse(c[0].toStringRef()))); }
void device_with_index(OpCall& c) {
  c.ret(IValue(Device::parse(cat(c[0].toStringRef(), ":", c.integer(1)))));
}
void device_index(OpCall& c) {
  const Device device = c[0].toDevice();
  c.ret(device.index < 0 ? IValue() : IValue(int64_t{device.index}));
}
void device_type(OpCall& c) {
  Device device = c[0].toDevice();
  device.index = -1;
  c.ret(device.str());
}

void if_then_else(OpCall& c) { c.ret(c.boolean(0) ? c[1] : c[2]); }
void set_grad_enabled(OpCall& c) { c.boolean(0); }

constexpr OpRow kDictOps[] = {
    {"aten::len.Dict_str(Dict(str, t) self) -> int", len},
    {"aten::len.Dict_int(Dict(int, t) self) -> int", len},
    {"aten::len.Dict_bool(Dict(bool, t) self) -> int", len},
    {"aten::len.Dict_float(Dict(float, t) self) -> int", len},
    {"aten::len.Dict_Tensor(Dict(Tensor, t) self) -> int", len},
    {"aten::__getitem__.Dict_str(Dict(str, t) self, str key) -> t(*)", get_item},
    {"aten::__getitem__.Dict_int(Dict(int, t) self, int key) -> t(*)", get_item},
    {"aten::__getitem__.Dict_bool(Dict(bool, t) self, bool key) -> t(*)", get_item},
    {"aten::__getitem__.Dict_float(Dict(float, t) self, float key) -> t(*)", get_item},
    {"aten::__getitem__.Dict_Tensor(Dict(Tensor, t) self, Tensor key) -> t(*)", get_item},
    {"aten::__contains__.str(Dict(str, t) dict, str key) -> bool", contains},
    {"aten::__contains__.int(Dict(int, t) dict, int key) -> bool", contains},
    {"aten::__contains__.bool(Dict(bool, t) dict, bool key) -> bool", contains},
    {"aten::__contains__.float(Dict(float, t) dict, float key) -> bool", contains},
    {"aten::__contains__.Tensor(Dict(Tensor, t) dict, Tensor key) -> bool", contains},
    {"aten::__contains__.float_list(float[] l, float item) -> bool", list_contains},
    {"aten::_set_item.str(Dict(str, t)(a!) l, str(b -> *) idx, t(c -> *) v) -> ()", set_item},
    {"aten::_set_item.int(Dict(int, t)(a!) l, int(b -> *) idx, t(c -> *) v) -> ()", set_item},
    {"aten::_set_item.bool(Dict(bool, t)(a!) l, bool(b -> *) idx, t(c -> *) v) -> ()", set_item},
    {"aten::_set_item.float(Dict(float, t)(a!) l, float(b -> *) idx, t(c -> *) v) -> ()", set_item},
    {"aten::_set_item.Tensor(Dict(Tensor, t)(a!) l, Tensor(b -> *) idx, t(c -> *) v) -> ()", set_item},
    {"aten::get.str(Dict(str, t) self, str key) -> t(*)?", get},
    {"aten::get.default_str(Dict(str, t) self, str key, t default_value) -> t(*)", get_default},
    {"aten::get.int(Dict(int, t) self, int key) -> t(*)?", get},
    {"aten::get.default_int(Dict(int, t) self, int key, t default_value) -> t(*)", get_default},
    {"aten::get.bool(Dict(bool, t) self, bool key) -> t(*)?", get},
    {"aten::get.default_bool(Dict(bool, t) self, bool key, t default_value) -> t(*)", get_default},
    {"aten::get.float(Dict(float, t) self, float key) -> t(*)?", get},
    {"aten::get.default_float(Dict(float, t) self, float key, t default_value) -> t(*)", get_default},
    {"aten::get.Tensor(Dict(Tensor, t) self, Tensor key) -> t(*)?", get},
    {"aten::get.default_Tensor(Dict(Tensor, t) self, Tensor key, t default_value) -> t(*)", get_default},
    {"aten::setdefault.str(Dict(str, t)(a!) self, str(b -> *) key, t(c -> *) default_value) -> t(*)",
     set_default},
    {"aten::setdefault.int(Dict(int, t)(a!) self, int(b -> *) key, t(c -> *) default_value) -> t(*)",
     set_default},
    {"aten::setdefault.bool(Dict(bool, t)(a!) self, bool(b -> *) key, t(c -> *) default_value) -> t(*)",
     set_default},
    {"aten::setdefault.float(Dict(float, t)(a!) self, float(b -> *) key, t(c -> *) default_value) -> t(*)",
     set_default},
    {"aten::setdefault.Tensor(Dict(Tensor, t)(a!) self, Tensor(b -> *) key, t(c -> *) default_value) -> t(*)",
     set_default},
    {"aten::pop.Dict_str(Dict(str, t)(a!) self, str key) -> t(*)", pop},
    {"aten::pop.Dict_default_str(Dict(str, t)(a!) self, str key, t default_value) -> t(*)", pop_default},
    {"aten::pop.Dict_int(Dict(int, t)(a!) self, int key) -> t(*)", pop},
    {"aten::pop.Dict_default_int(Dict(int, t)(a!) self, int key, t default_value) -> t(*)", pop_default},
    {"aten::pop.Dict_bool(Dict(bool, t)(a!) self, bool key) -> t(*)", pop},
    {"aten::pop.Dict_default_bool(Dict(bool, t)(a!) self, bool key, t default_value) -> t(*)", pop_default},
    {"aten::pop.Dict_float(Dict(float, t)(a!) self, float key) -> t(*)", pop},
    {"aten::pop.Dict_default_float(Dict(float, t)(a!) self, float key, t default_value) -> t(*)",
     pop_default},
    {"aten::pop.Dict_Tensor(Dict(Tensor, t)(a!) self, Tensor key) -> t(*)", pop},
    {"aten::pop.Dict_default_Tensor(Dict(Tensor, t)(a!) self, Tensor key, t default_value) -> t(*)",
     pop_default},
    {"aten::popitem.str(Dict(str, t)(a!) self) -> ((str, t))", pop_item},
    {"aten::popitem.int(Dict(int, t)(a!) self) -> ((int, t))", pop_item},
    {"aten::popitem.bool(Dict(bool, t)(a!) self) -> ((bool, t))", pop_item},
    {"aten::popitem.float(Dict(float, t)(a!) self) -> ((float, t))", pop_item},
    {"aten::popitem.Tensor(Dict(Tensor, t)(a!) self) -> ((Tensor, t))", pop_item},
    {"aten::Delete.Dict_str(Dict(str, t)(a!) self, str key) -> ()", erase},
    {"aten::Delete.Dict_int(Dict(int, t)(a!) self, int key) -> ()", erase},
    {"aten::Delete.Dict_bool(Dict(bool, t)(a!) self, bool key) -> ()", erase},
    {"aten::Delete.Dict_float(Dict(float, t)(a!) self, float key) -> ()", erase},
    {"aten::Delete.Dict_Tensor(Dict(Tensor, t)(a!) self, Tensor key) -> ()", erase},
    {"aten::clear.str(Dict(str, t)(a!) self) -> ()", clear},
    {"aten::clear.int(Dict(int, t)(a!) self) -> ()", clear},
    {"aten::clear.bool(Dict(bool, t)(a!) self) -> ()", clear},
    {"aten::clear.float(Dict(float, t)(a!) self) -> ()", clear},
    {"aten::clear.Tensor(Dict(Tensor, t)(a!) self) -> ()", clear},
    {"aten::update.str(Dict(str, t)(a!) self, Dict(str, t)(a!) to_add) -> ()", update},
    {"aten::update.int(Dict(int, t)(a!) self, Dict(int, t)(a!) to_add) -> ()", update},
    {"aten::update.bool(Dict(bool, t)(a!) self, Dict(bool, t)(a!) to_add) -> ()", update},
    {"aten::update.float(Dict(float, t)(a!) self, Dict(float, t)(a!) to_add) -> ()", update},
    {"aten::update.Tensor(Dict(Tensor, t)(a!) self, Dict(Tensor, t)(a!) to_add) -> ()", update},
    {"aten::copy.Dict_str(Dict(str, t)(a) self) -> Dict(str, t)", copy},
    {"aten::copy.Dict_int(Dict(int, t)(a) self) -> Dict(int, t)", copy},
    {"aten::copy.Dict_bool(Dict(bool, t)(a) self) -> Dict(bool, t)", copy},
    {"aten::copy.Dict_float(Dict(float, t)(a) self) -> Dict(float, t)", copy},
    {"aten::copy.Dict_Tensor(Dict(Tensor, t)(a) self) -> Dict(Tensor, t)", copy},
    {"aten::keys.str(Dict(str, t) self) -> str[](*)", keys},
    {"aten::keys.int(Dict(int, t) self) -> int[](*)", keys},
    {"aten::keys.bool(Dict(bool, t) self) -> bool[](*)", keys},
    {"aten::keys.float(Dict(float, t) self) -> float[](*)", keys},
    {"aten::keys.Tensor(Dict(Tensor, t) self) -> Tensor[](*)", keys},
    {"aten::values.str(Dict(str, t) self) -> t[](*)", values},
    {"aten::values.int(Dict(int, t) self) -> t[](*)", values},
    {"aten::values.bool(Dict(bool, t) self) -> t[](*)", values},
    {"aten::values.float(Dict(float, t) self) -> t[](*)", values},
    {"aten::values.Tensor(Dict(Tensor, t) self) -> t[](*)", values},
    {"aten::items.str(Dict(str, t) self) -> ((str, t)[])", items},
    {"aten::items.int(Dict(int, t) self) -> ((int, t)[])", items},
    {"aten::items.bool(Dict(bool, t) self) -> ((bool, t)[])", items},
    {"aten::items.float(Dict(float, t) self) -> ((float, t)[])", items},
    {"aten::items.Tensor(Dict(Tensor, t) self) -> ((Tensor, t)[])", items},
    {"aten::dict() -> Dict(str, Tensor)", empty_dict},
    {"aten::dict.str((str, t)[] inputs) -> Dict(str, t)", from_pairs},
    {"aten::dict.Dict_str(Dict(str, t)(a) self) -> Dict(str, t)", copy},
    {"aten::dict.int((int, t)[] inputs) -> Dict(int, t)", from_pairs},
    {"aten::dict.Dict_int(Dict(int, t)(a) self) -> Dict(int, t)", copy},
    {"aten::dict.bool((bool, t)[] inputs) -> Dict(bool, t)", from_pairs},
    {"aten::dict.Dict_bool(Dict(bool, t)(a) self) -> Dict(bool, t)", copy},
    {"aten::dict.float((float, t)[] inputs) -> Dict(float, t)", from_pairs},
    {"aten::dict.Dict_float(Dict(float, t)(a) self) -> Dict(float, t)", copy},
    {"aten::dict.Tensor((Tensor, t)[] inputs) -> Dict(Tensor, t)", from_pairs},
    {"aten::dict.Dict_Tensor(Dict(Tensor, t)(a) self) -> Dict(Tensor, t)", copy},
    {"aten::__is__(t1 self, t2 obj) -> bool", is},
    {"aten::__isnot__(t1 self, t2 obj) -> bool", is_not},
    {"aten::hash.generic(t value) -> int", hash},
    {"aten::_unwrap_optional(t(a)? optional) -> t(a)", unwrap},
    {"aten::device(str a) -> Device", device_of_text},
    {"aten::device.with_index(str type, int index) -> Device", device_with_index},
    {"prim::index(Device self) -> int?", device_index},
    {"prim::type(Device self) -> str", device_type},
    {"prim::IfThenElse(bool cond, Any(a) x, Any(b) y) -> Any(b|a)", if_then_else},
    {"aten::is_scripting() -> bool", yes},
    {"aten::is_grad_enabled() -> bool", no},
    {"aten::is_autocast_enabled() -> bool", no},
    {"aten::is_autocast_cpu_enabled() -> bool", no},
    {"aten::_get_tracing_state() -> bool", no},
    {"aten::has_torch_function(...) -> bool", no},
    {"aten::set_grad_enabled(bool val) -> ()", set_grad_enabled},
};

}  // namespace

OpTable dict_ops() { return kDictOps; }

}  // namespace calque::ops
