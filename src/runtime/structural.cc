// Structural operations: attributes, tuples, lists, dictionaries, objects, exceptions.
#include <algorithm>
#include <array>
#include <sstream>

#include "base/log.h"
#include "base/text.h"
#include "calque/error.h"
#include "runtime/executor.h"

namespace calque::runtime {

namespace {

using Values = std::span<IValue>;

ObjectImpl& object(const IValue& value, const Node& node) {
  if (value.object_impl() != nullptr) return *value.object_impl();
  throw TypeError(cat("'", value.type_name(), "' object has no attribute '", node.name, "'"));
}

size_t slot_of(const ObjectImpl& owner, const Node& node) {
  const std::optional<size_t> slot = owner.type->find_attribute(node.name);
  if (!slot.has_value() || *slot >= owner.slots.size()) {
    throw RuntimeError(cat("'", owner.type->name, "' object has no attribute '", node.name, "'"));
  }
  return *slot;
}

void get_attr(const Node& node, Values arguments, Values results, Run&) {
  const ObjectImpl& owner = object(arguments[0], node);
  results[0] = owner.slots[slot_of(owner, node)];
}

void set_attr(const Node& node, Values arguments, Values, Run&) {
  ObjectImpl& owner = object(arguments[0], node);
  owner.slots[slot_of(owner, node)] = std::move(arguments[1]);
}

void list_construct(const Node& node, Values arguments, Values results, Run&) {
  auto list = make_ref<ListImpl>();
  list->element_type = node.output()->type->contained()[0];
  list->items.assign(std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  results[0] = IValue(std::move(list));
}

void tuple_construct(const Node& node, Values arguments, Values results, Run&) {
  auto tuple = make_ref<TupleImpl>();
  const TypePtr& type = node.output()->type;
  if (static_cast<const TupleType&>(*type).is_named()) tuple->type = type;
  tuple->items.assign(std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  results[0] = IValue(std::move(tuple));
}

void dict_construct(const Node& node, Values arguments, Values results, Run&) {
  auto dict = make_ref<DictImpl>();
  dict->key_type = node.output()->type->contained()[0];
  dict->value_type = node.output()->type->contained()[1];
  for (size_t i = 0; i + 1 < arguments.size(); i += 2)
    dict->insert_or_assign(arguments[i], std::move(arguments[i + 1]));
  results[0] = IValue(std::move(dict));
}

void list_unpack(const Node&, Values arguments, Values results, Run&) {
  const std::vector<IValue>& items = arguments[0].toListRef()->items;
  if (items.size() != results.size()) {
    throw RuntimeError(cat("Expected ", results.size(), " elements in a list but found ", items.size()));
  }
  std::copy(items.begin(), items.end(), results.begin());
}

void tuple_unpack(const Node&, Values arguments, Values results, Run&) {
  const std::vector<IValue>& items = arguments[0].toTuple()->items;
  if (items.size() != results.size()) {
    throw RuntimeError(cat("Expected a tuple of ", results.size(), " elements but found ", items.size()));
  }
  std::copy(items.begin(), items.end(), results.begin());
}

void tuple_index(const Node&, Values arguments, Values results, Run&) {
  const std::vector<IValue>& items = arguments[0].toTuple()->items;
  const auto size = static_cast<int64_t>(items.size());
  const int64_t index = arguments[1].toInt();
  if (index < -size || index >= size) throw IndexError("tuple index out of range");
  results[0] = items[static_cast<size_t>(index < 0 ? index + size : index)];
}

void tuple_slice(const Node&, Values arguments, Values results, Run&) {
  const std::vector<IValue>& items = arguments[0].toTuple()->items;
  const auto size = static_cast<int64_t>(items.size());
  const int64_t begin = std::clamp<int64_t>(arguments[1].toInt(), 0, size);
  const int64_t end = std::clamp<int64_t>(arguments[2].toInt(), begin, size);
  results[0] = IValue::tuple({items.begin() + begin, items.begin() + end});
}

void is_instance(const Node& node, Values arguments, Values results, Run&) {
  results[0] = std::any_of(node.types.begin(), node.types.end(),
                           [&](const TypePtr& type) { return value_has_type(arguments[0], *type); });
}

void pass_through(const Node&, Values arguments, Values results, Run&) {
  results[0] = std::move(arguments[0]);
}

void uninitialized(const Node&, Values, Values results, Run&) { results[0] = IValue::uninitialized(); }

void create_object(const Node& node, Values, Values results, Run&) {
  auto made = make_ref<ObjectImpl>();
  made->type = std::static_pointer_cast<const ClassType>(node.output()->type);
  made->slots.resize(made->type->attributes.size());
  results[0] = IValue(std::move(made));
}

void raise_exception(const Node&, Values arguments, Values, Run&) {
  std::ostringstream text;
  text << arguments[0];
  if (arguments.size() < 2 || !arguments[1].isString()) throw RuntimeError(text.str());
  std::string kind = arguments[1].toStringRef();
  if (kind.starts_with("builtins.")) kind = kind.substr(9);
  if (kind == "ValueError") throw ValueError(text.str());
  if (kind == "TypeError") throw TypeError(text.str());
  if (kind == "IndexError") throw IndexError(text.str());
  if (kind == "NotImplementedError") throw NotImplementedError(text.str());
  if (kind == "RuntimeError" || kind == "Exception" || kind.empty()) throw RuntimeError(text.str());
  throw RuntimeError(cat(kind, ": ", text.str()));
}

void fork(const Node& node, Values arguments, Values results, Run& run) {
  auto future = make_ref<FutureImpl>();
  std::vector<IValue> values = run.call(*node.function, {arguments.begin(), arguments.end()});
  future->element_type = type_of(values[0]);
  future->value = std::move(values[0]);
  results[0] = IValue(std::move(future));
}

void wait(const Node&, Values arguments, Values results, Run&) {
  results[0] = arguments[0].toFuture()->value;
}

void enum_name(const Node&, Values arguments, Values results, Run&) {
  results[0] = arguments[0].toEnum()->name;
}
void enum_value(const Node&, Values arguments, Values results, Run&) {
  results[0] = arguments[0].toEnum()->value;
}

/// Programs may print and warn; a library may not. What they say goes to the log.
void print(const Node&, Values arguments, Values, Run&) {
  if (!log_on("print")) return;
  std::ostringstream text;
  for (size_t i = 0; i < arguments.size(); ++i) text << (i == 0 ? "" : " ") << arguments[i];
  log_line("print", text.str());
}

void warn(const Node&, Values arguments, Values, Run&) {
  if (log_on("warn")) log_line("warn", arguments[0].toStringRef());
}

struct Row {
  std::string_view kind;
  StructuralFunction function;
};

constexpr std::array<Row, 22> kRows = {{
    {"aten::wait", wait},
    {"aten::warn", warn},
    {"prim::CreateObject", create_object},
    {"prim::DictConstruct", dict_construct},
    {"prim::EnumName", enum_name},
    {"prim::EnumValue", enum_value},
    {"prim::GetAttr", get_attr},
    {"prim::ListConstruct", list_construct},
    {"prim::ListUnpack", list_unpack},
    {"prim::Print", print},
    {"prim::RaiseException", raise_exception},
    {"prim::SetAttr", set_attr},
    {"prim::TupleConstruct", tuple_construct},
    {"prim::TupleIndex", tuple_index},
    {"prim::TupleSlice", tuple_slice},
    {"prim::TupleUnpack", tuple_unpack},
    {"prim::Uninitialized", uninitialized},
    {"prim::awaitable_wait", wait},
    {"prim::fork", fork},
    {"prim::isinstance", is_instance},
    {"prim::unchecked_cast", pass_through},
    {"prim::unchecked_unwrap_optional", pass_through},
}};

}  // namespace

StructuralFunction find_structural(std::string_view kind) {
  const auto it = std::lower_bound(kRows.begin(), kRows.end(), kind,
                                   [](const Row& row, std::string_view wanted) { return row.kind < wanted; });
  return it != kRows.end() && it->kind == kind ? it->function : nullptr;
}

}  // namespace calque::runtime
